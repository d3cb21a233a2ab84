/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_dtls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/result.h"

enum {
    FIRST_BYTES = 16,
    FIRST_TEXT_BYTES = 3 * FIRST_BYTES + 3,
    OUT_BYTES = DTLS_DATA_MAX + DTLS_OVERHEAD_MAX,
};

struct datagram_dtls {
    struct datagram_socket base;
    struct datagram_socket *plain;
    struct dtls_session *session;
    bool feeding;         /* what is in `wire` has not been read yet */
    struct datagram wire; /* the datagram that was received last, in `in` */
    size_t pending_bytes; /* in `out`, for which the socket had no room; 0 = none */
    enum dtls_status end; /* DTLS_OK: not yet */
    struct error error;
    struct error unsent;              /* why a flight could not be sent; code 0: all were */
    uint64_t received;                /* datagrams */
    bool accepted;                    /* some of them were DTLS */
    unsigned char first[FIRST_BYTES]; /* of the first datagram */
    size_t first_n;
    unsigned char in[DATAGRAM_BYTES_MAX];
    unsigned char data[DTLS_DATA_MAX]; /* a message */
    unsigned char out[OUT_BYTES];      /* a datagram to send */
};

static const struct datagram_ops dtls_ops;

static struct datagram_dtls *self(struct datagram_socket *s)
{
    return container_of(s, struct datagram_dtls, base);
}

static const struct datagram_dtls *const_self(const struct datagram_socket *s)
{
    return container_of(s, struct datagram_dtls, base);
}

static void end_as(struct datagram_dtls *d, enum dtls_status end, const struct error *err)
{
    d->end = end;
    if (end == DTLS_FAILED)
        d->error = *err;
}

/* Sends what is in `out`. */
static struct datagram_io send_out(struct datagram_dtls *d, size_t n, struct error *err)
{
    const struct datagram item = {.data = d->out, .length = n};
    struct datagram_io io = datagram_send(d->plain, &item, 1, err);
    d->pending_bytes = io.status == DATAGRAM_WAIT ? n : 0;
    return io;
}

/* The next datagram that the session has made. */
static struct datagram_io send_next(struct datagram_dtls *d, bool *ret_more, struct error *err)
{
    const unsigned char *data;
    size_t n;
    *ret_more = dtls_session_next(d->session, &data, &n) && n <= OUT_BYTES;
    if (!*ret_more)
        return (struct datagram_io){.status = DATAGRAM_OK};
    memcpy(d->out, data, n);
    return send_out(d, n, err);
}

/* Sends what the session has made. What the socket has no room for, or refuses, is lost like any
 * datagram: the peer's silence tells, and datagram_take_error. */
static void flush(struct datagram_dtls *d)
{
    bool more = true;
    while (more)
        send_next(d, &more, &d->unsent);
    d->pending_bytes = 0;
}

static void note_first(struct datagram_dtls *d)
{
    if (d->received++ > 0)
        return;
    d->first_n = d->wire.length < FIRST_BYTES ? d->wire.length : FIRST_BYTES;
    memcpy(d->first, d->wire.data, d->first_n);
}

/* Receives a datagram, and feeds it. */
static struct datagram_io feed(struct datagram_dtls *d, struct error *err)
{
    struct datagram_io io = datagram_receive(d->plain, &d->wire, 1, err);
    d->base.kernel_drops = d->plain->kernel_drops;
    if (io.status != DATAGRAM_OK)
        return io;
    note_first(d);
    dtls_session_feed(d->session, d->wire.data, d->wire.length);
    d->feeding = true;
    return io;
}

enum dtls_status datagram_dtls_handshake(struct datagram_socket *s, struct error *err)
{
    struct datagram_dtls *d = self(s);
    for (;;) {
        enum dtls_status status = dtls_session_retransmit(d->session, err);
        if (status == DTLS_OK)
            status = dtls_session_handshake(d->session, err);
        d->accepted = d->accepted || dtls_session_accepted(d->session);
        flush(d);
        d->feeding = status == DTLS_OK; /* data may be behind it */
        if (status != DTLS_WAIT)
            return status;
        struct datagram_io io = feed(d, err);
        if (io.status == DATAGRAM_FAILED && result_of(PHASE_HANDSHAKE, err) == RESULT_LOCAL_IO)
            return DTLS_FAILED;
        if (io.status != DATAGRAM_OK)
            return DTLS_WAIT;
    }
}

uint64_t datagram_dtls_due_us(const struct datagram_socket *s)
{
    uint64_t left_us = dtls_session_timeout_us(const_self(s)->session);
    return left_us == UINT64_MAX ? left_us : clock_now_us() + left_us;
}

/* In quotes if it is text, else in hex. */
static void first_text(const struct datagram_dtls *d, char ret[FIRST_TEXT_BYTES])
{
    size_t n = text_line_length(d->first, d->first_n);
    if (n) {
        snprintf(ret, FIRST_TEXT_BYTES, "\"%.*s\"", (int)n, (const char *)d->first);
        return;
    }
    ret[0] = '\0';
    for (size_t i = 0; i < d->first_n; i++)
        snprintf(ret + 3 * i, 4, i + 1 < d->first_n ? "%02x " : "%02x", d->first[i]);
}

int datagram_dtls_describe_silence(const struct datagram_socket *s, struct error *err)
{
    const struct datagram_dtls *d = const_self(s);
    unsigned again = dtls_session_retransmissions(d->session);
    char first[FIRST_TEXT_BYTES];
    if (d->accepted)
        return error_set(err, ERROR_TIMEOUT,
                         "the handshake was not complete in time, and flights were sent again "
                         "(%u): datagrams are lost on the way, or the server does not answer",
                         again);
    if (!d->received && d->unsent.code) {
        *err = d->unsent;
        return -1;
    }
    if (!d->received)
        return error_set(err, ERROR_TIMEOUT,
                         "no answer to the ClientHello, which was sent %u time%s: check that it is "
                         "a DTLS port, and that no firewall drops UDP",
                         again + 1, again ? "s" : "");
    first_text(d, first);
    return error_set(err, ERROR_NOT_TLS,
                     "the server does not use DTLS (its answer began with %s): write udp://, or "
                     "check the port",
                     d->first_n ? first : "nothing: an empty datagram");
}

void datagram_dtls_lower_mtu(struct datagram_socket *s, size_t mtu)
{
    dtls_session_lower_mtu(self(s)->session, mtu);
}

enum dtls_status datagram_dtls_end(const struct datagram_socket *s, struct error *ret)
{
    const struct datagram_dtls *d = const_self(s);
    if (s->ops != &dtls_ops || d->end == DTLS_OK)
        return DTLS_OK;
    *ret = d->error;
    return d->end;
}

void datagram_dtls_close(struct datagram_socket *s)
{
    struct datagram_dtls *d = self(s);
    if (s->ops != &dtls_ops)
        return;
    dtls_session_close(d->session);
    flush(d);
    if (d->end == DTLS_OK)
        d->end = DTLS_CLOSED;
}

const struct dtls_session *datagram_dtls_session(const struct datagram_socket *s)
{
    return s && s->ops == &dtls_ops ? const_self(s)->session : NULL;
}

/* --- the operations --- */

static struct datagram_io ended(const struct datagram_dtls *d, struct error *err)
{
    if (d->end == DTLS_FAILED)
        *err = d->error;
    else
        error_set(err, ERROR_TLS, "the DTLS session has ended");
    return (struct datagram_io){.status = DATAGRAM_FAILED};
}

/* The next message of what was fed. */
static enum dtls_status read_message(struct datagram_dtls *d, size_t *ret_n, struct error *err)
{
    enum dtls_status status = dtls_session_read(d->session, d->data, DTLS_DATA_MAX, ret_n, err);
    d->feeding = status == DTLS_OK;
    if (status == DTLS_CLOSED)
        dtls_session_close(d->session); /* RFC 5246 §7.2.1 */
    flush(d);
    if (status == DTLS_CLOSED || status == DTLS_FAILED)
        end_as(d, status, err);
    return status;
}

/* Into the caller's buffer. */
static void hand_over(const struct datagram_dtls *d, size_t n, struct datagram *item)
{
    unsigned char *data = item->data;
    size_t size = item->size;
    *item = d->wire;
    item->data = data;
    item->size = size;
    item->truncated = n > size;
    item->length = n < size ? n : size;
    memcpy(data, d->data, item->length);
}

static struct datagram_io dtls_receive(struct datagram_socket *s, struct datagram items[],
                                       size_t count, struct error *err)
{
    struct datagram_dtls *d = self(s);
    struct datagram_io io = {.status = DATAGRAM_OK};
    size_t most = count < DATAGRAM_BATCH ? count : DATAGRAM_BATCH, n = 0;
    while (io.n < most && d->end == DTLS_OK) {
        if (d->feeding && read_message(d, &n, err) == DTLS_OK) {
            hand_over(d, n, &items[io.n++]);
            continue;
        }
        if (d->end != DTLS_OK)
            break;
        struct datagram_io fed = feed(d, err);
        if (fed.status == DATAGRAM_OK)
            continue;
        return io.n ? io : fed;
    }
    return io.n ? io : ended(d, err);
}

/* Where an earlier call had no room, the caller has come back with the same message, which has been
 * encrypted by then. */
static struct datagram_io send_message(struct datagram_dtls *d, const struct datagram *message,
                                       struct error *err)
{
    struct datagram_io io = {.status = DATAGRAM_OK};
    bool more = true;
    if (d->pending_bytes)
        return send_out(d, d->pending_bytes, err);
    if (dtls_session_write(d->session, message->data, message->length, err) != DTLS_OK) {
        if (err->kind != ERROR_INPUT)
            end_as(d, DTLS_FAILED, err);
        flush(d);
        return (struct datagram_io){.status = DATAGRAM_FAILED};
    }
    while (more && io.status == DATAGRAM_OK)
        io = send_next(d, &more, err);
    return io;
}

static struct datagram_io dtls_send(struct datagram_socket *s, const struct datagram items[],
                                    size_t count, struct error *err)
{
    struct datagram_dtls *d = self(s);
    size_t sent = 0;
    while (sent < count) {
        if (d->end != DTLS_OK)
            return ended(d, err);
        struct datagram_io io = send_message(d, &items[sent], err);
        if (io.status != DATAGRAM_OK)
            return (struct datagram_io){.status = io.status, .n = sent};
        sent++;
    }
    return (struct datagram_io){.status = DATAGRAM_OK, .n = sent};
}

/* What ICMP quotes is encrypted. */
static bool dtls_take_error(struct datagram_socket *s, struct datagram_error *ret)
{
    struct datagram_dtls *d = self(s);
    if (!datagram_take_error(d->plain, ret))
        return false;
    ret->length = 0;
    return true;
}

static void dtls_free(struct datagram_socket *s)
{
    struct datagram_dtls *d = self(s);
    datagram_dtls_close(s);
    dtls_session_free(d->session);
    datagram_free(d->plain);
    free(d);
}

static const struct datagram_ops dtls_ops = {
    .receive = dtls_receive,
    .send = dtls_send,
    .take_error = dtls_take_error,
    .free = dtls_free,
};

int datagram_dtls_new(struct datagram_socket *plain, const struct dtls_session_options *options,
                      struct datagram_socket **ret, struct error *err)
{
    struct datagram_dtls *d = calloc(1, sizeof *d);
    if (!d) {
        datagram_free(plain);
        return error_sys(err, "memory for DTLS");
    }
    d->base = (struct datagram_socket){.ops = &dtls_ops, .fd = plain->fd};
    d->plain = plain;
    d->wire = (struct datagram){.data = d->in, .size = sizeof d->in};
    if (dtls_session_new(options, &d->session, err) < 0) {
        datagram_free(plain);
        free(d);
        return -1;
    }
    *ret = &d->base;
    return 0;
}
