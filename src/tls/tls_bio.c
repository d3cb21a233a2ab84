/* SPDX-License-Identifier: MIT */
#include "tls_bio.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls_once.h"
#include "tlsecho/tls/tls_scratch.h"

enum {
    SCRATCH_IN_BYTES = 64 * 1024,
    SCRATCH_OUT_BYTES = 4 * (TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD),
};

struct tls_scratch {
    BIO *bio;
    struct tls_bio *at_work;
    size_t receive_bytes; /* what its operation may still receive; 0 after its recv */
    unsigned char in[SCRATCH_IN_BYTES];
    unsigned char out[SCRATCH_OUT_BYTES];
};

void tls_bio_init(struct tls_bio *wire, int fd, struct tls_scratch *scratch)
{
    *wire = (struct tls_bio){.fd = fd, .scratch = scratch, .in_end = IO_OK, .out_end = IO_OK};
}

static void drop_in(struct tls_bio *wire)
{
    free(wire->in_kept);
    wire->in_kept = NULL;
    wire->in = NULL;
    wire->in_n = 0;
}

static void drop_out(struct tls_bio *wire)
{
    free(wire->out_kept);
    wire->out_kept = NULL;
    wire->out_n = 0;
}

void tls_bio_done(struct tls_bio *wire)
{
    drop_in(wire);
    drop_out(wire);
}

static void end_in(struct tls_bio *wire, enum io_status end, int code)
{
    wire->in_end = end;
    wire->in_errno = code;
}

static void end_out(struct tls_bio *wire, enum io_status end, int code)
{
    wire->out_end = end;
    wire->out_errno = code;
    drop_out(wire);
}

/* The recv of this operation, into the scratch. Returns the number of bytes, 0 = none. After a send
 * has failed with a reset, recv(2) returns 0. */
static size_t receive_some(struct tls_bio *wire)
{
    size_t size = wire->scratch->receive_bytes < SCRATCH_IN_BYTES ? wire->scratch->receive_bytes
                                                                  : SCRATCH_IN_BYTES;
    wire->scratch->receive_bytes = 0;
    if (size == 0 || wire->in_end != IO_OK)
        return 0;

    ssize_t n;
    do
        n = recv(wire->fd, wire->scratch->in, size, 0);
    while (n < 0 && errno == EINTR);

    if (n > 0) {
        wire->received_bytes += (size_t)n;
        return (size_t)n;
    }
    if (n == 0 && wire->out_end == IO_RESET)
        end_in(wire, IO_RESET, wire->out_errno);
    else if (n == 0)
        end_in(wire, IO_CUT, 0);
    else if (errno != EAGAIN)
        end_in(wire, transport_errno_status(errno), errno);
    return 0;
}

/* If OpenSSL has read everything received before. */
static void receive(struct tls_bio *wire)
{
    size_t n = receive_some(wire);
    if (n == 0)
        return;
    drop_in(wire);
    wire->in = wire->scratch->in;
    wire->in_n = n;
}

/* Appends to what has been kept. */
static void receive_behind(struct tls_bio *wire)
{
    size_t n = receive_some(wire);
    if (n == 0)
        return;
    memmove(wire->in_kept, wire->in, wire->in_n);
    unsigned char *grown = realloc(wire->in_kept, wire->in_n + n);
    if (!grown) {
        drop_in(wire);
        end_in(wire, IO_FAILED, ENOMEM);
        return;
    }
    memcpy(grown + wire->in_n, wire->scratch->in, n);
    wire->in = wire->in_kept = grown;
    wire->in_n += n;
}

void tls_bio_gather(struct tls_bio *wire)
{
    if (wire->in_kept)
        receive_behind(wire);
    else
        receive(wire);
}

static void remember_first(struct tls_bio *wire, const unsigned char *data, size_t n)
{
    size_t room = TLS_BIO_FIRST_BYTES - wire->first_n;
    if (n > room)
        n = room;
    memcpy(wire->first + wire->first_n, data, n);
    wire->first_n = (unsigned char)(wire->first_n + n);
}

struct tls_bio *tls_bio_current(BIO *bio)
{
    const struct tls_scratch *scratch = BIO_get_data(bio);
    return scratch->at_work;
}

static int wire_read(BIO *bio, char *data, int size)
{
    struct tls_bio *wire = tls_bio_current(bio);
    BIO_clear_retry_flags(bio);
    if (wire->in_n == 0 && !wire->stopped)
        receive(wire);
    if (wire->in_n == 0 || wire->stopped) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = wire->in_n < (size_t)size ? wire->in_n : (size_t)size;
    memcpy(data, wire->in, n);
    remember_first(wire, wire->in, n);
    wire->in += n;
    wire->in_n -= n;
    return (int)n;
}

static int wire_write(BIO *bio, const char *data, int size)
{
    struct tls_bio *wire = tls_bio_current(bio);
    BIO_clear_retry_flags(bio);
    if (tls_bio_put(wire, data, (size_t)size))
        return size;
    BIO_set_retry_write(bio);
    return -1;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* tls_bio_flush does it, once for all records */
}

static BIO *make_bio(struct tls_scratch *scratch)
{
    static const struct tls_once_functions functions = {"tls wire", wire_read, wire_write,
                                                        wire_ctrl};
    static _Atomic(BIO_METHOD *) once;
    const BIO_METHOD *method = tls_once_method(&once, &functions);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, scratch);
    BIO_set_init(bio, 1);
    return bio;
}

struct tls_scratch *tls_scratch_new(void)
{
    struct tls_scratch *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return NULL;
    scratch->at_work = NULL;
    scratch->bio = make_bio(scratch);
    if (!scratch->bio) {
        free(scratch);
        return NULL;
    }
    return scratch;
}

void tls_scratch_free(struct tls_scratch *scratch)
{
    if (!scratch)
        return;
    BIO_free(scratch->bio);
    free(scratch);
}

BIO *tls_bio_bio(struct tls_bio *wire)
{
    BIO *bio = wire->scratch->bio;
    return BIO_up_ref(bio) ? bio : NULL;
}

void tls_bio_begin(struct tls_bio *wire, size_t receive_bytes)
{
    wire->scratch->at_work = wire;
    assert(wire->in_n == 0 || wire->in_kept);
    assert(wire->out_n == 0 || wire->out_kept);
    wire->scratch->receive_bytes = receive_bytes;
}

void tls_bio_stop(struct tls_bio *wire)
{
    wire->stopped = true;
}

void tls_bio_go_on(struct tls_bio *wire)
{
    wire->stopped = false;
}

static void keep_in(struct tls_bio *wire)
{
    if (wire->in_n == 0) {
        drop_in(wire);
        return;
    }
    if (wire->in_kept)
        return;
    unsigned char *kept = malloc(wire->in_n);
    if (!kept) {
        drop_in(wire);
        end_in(wire, IO_FAILED, ENOMEM);
        return;
    }
    memcpy(kept, wire->in, wire->in_n);
    wire->in_kept = kept;
    wire->in = kept;
}

static void keep_out(struct tls_bio *wire)
{
    if (wire->out_n == 0 || wire->out_kept)
        return;
    wire->out_kept = malloc(wire->out_n);
    if (!wire->out_kept) {
        end_out(wire, IO_FAILED, ENOMEM);
        return;
    }
    memcpy(wire->out_kept, wire->scratch->out, wire->out_n);
}

void tls_bio_end(struct tls_bio *wire)
{
    keep_in(wire);
    keep_out(wire);
}

bool tls_bio_has_room(const struct tls_bio *wire)
{
    return wire->out_n + TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD <= SCRATCH_OUT_BYTES;
}

bool tls_bio_put(struct tls_bio *wire, const void *data, size_t n)
{
    if (wire->out_end != IO_OK)
        return true; /* discarded; tls_bio_flush returns the error */
    if (wire->out_n + n > SCRATCH_OUT_BYTES)
        return false;
    unsigned char *at = wire->scratch->out;
    if (wire->out_kept) {
        at = realloc(wire->out_kept, wire->out_n + n);
        if (!at) {
            end_out(wire, IO_FAILED, ENOMEM);
            return true;
        }
        wire->out_kept = at;
    }
    memcpy(at + wire->out_n, data, n);
    wire->out_n += n;
    return true;
}

static enum io_status flush(struct tls_bio *wire, int flags)
{
    if (wire->out_end != IO_OK)
        return wire->out_end;
    if (wire->out_n == 0)
        return IO_OK;

    unsigned char *data = wire->out_kept ? wire->out_kept : wire->scratch->out;
    ssize_t n;
    do
        n = send(wire->fd, data, wire->out_n, MSG_NOSIGNAL | flags);
    while (n < 0 && errno == EINTR);

    if (n > 0)
        wire->sent_bytes += (size_t)n;
    if (n == (ssize_t)wire->out_n) {
        drop_out(wire);
        return IO_OK;
    }
    if (n < 0 && errno != EAGAIN) {
        end_out(wire, transport_errno_status(errno), errno);
        return wire->out_end;
    }
    if (n > 0) {
        wire->out_n -= (size_t)n;
        memmove(data, data + n, wire->out_n);
    }
    return IO_WANT_WRITE;
}

enum io_status tls_bio_flush(struct tls_bio *wire)
{
    return flush(wire, 0);
}

enum io_status tls_bio_flush_last(struct tls_bio *wire)
{
    return flush(wire, MSG_MORE);
}

enum io_status tls_bio_discard(struct tls_bio *wire)
{
    wire->scratch->receive_bytes = SCRATCH_IN_BYTES;
    receive(wire);
    drop_in(wire);
    return wire->in_end == IO_OK ? IO_WANT_READ : wire->in_end;
}
