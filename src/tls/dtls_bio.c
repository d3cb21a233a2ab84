/* SPDX-License-Identifier: MIT */
#include "dtls_bio.h"

#include <stdlib.h>
#include <string.h>

#include "tls_once.h"

enum {
    FIRST_BYTES =
        512, /* room for a short datagram; the C library has blocks of that size at hand */
    /* RFC 6347 §4.1 */
    EPOCH_AT = 3,
    NUMBER_AT = 5,
    NUMBER_BYTES = 6,
    LENGTH_AT = 11,
    HEADER_BYTES = 13,
};

void dtls_bio_done(struct dtls_bio *wire)
{
    OPENSSL_free(wire->out);
    *wire = (struct dtls_bio){.in = NULL};
}

struct dtls_bio *dtls_bio_of(BIO *bio)
{
    return BIO_get_data(bio);
}

/* As recv(2): what does not fit is lost. */
static int wire_read(BIO *bio, char *data, int size)
{
    struct dtls_bio *wire = dtls_bio_of(bio);
    BIO_clear_retry_flags(bio);
    if (!wire->in) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = wire->in_n < (size_t)size ? wire->in_n : (size_t)size;
    memcpy(data, wire->in, n);
    wire->in = NULL;
    return (int)n;
}

static bool make_room(struct dtls_bio *wire, size_t n)
{
    if (wire->out_n + n <= wire->out_size)
        return true;
    size_t size = 2 * wire->out_size + n + FIRST_BYTES;
    unsigned char *grown = OPENSSL_realloc(wire->out, size); /* as memory that OpenSSL lacks */
    if (!grown)
        return false;
    wire->out = grown;
    wire->out_size = size;
    return true;
}

static uint64_t read_number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void write_number(unsigned char *at, uint64_t value)
{
    for (size_t i = NUMBER_BYTES; i > 0; i--, value >>= 8)
        at[i - 1] = (unsigned char)value;
}

void dtls_bio_number_from(struct dtls_bio *wire, const unsigned char *hello, size_t n)
{
    wire->first_number = n >= HEADER_BYTES ? read_number(hello + NUMBER_AT, NUMBER_BYTES) : 0;
}

/* The number of a record that is not encrypted is not authenticated either. */
static void renumber(struct dtls_bio *wire, unsigned char *data, size_t n)
{
    while (n >= HEADER_BYTES) {
        uint64_t number = read_number(data + NUMBER_AT, NUMBER_BYTES);
        if (wire->first_number > number)
            wire->number_offset = wire->first_number - number;
        wire->first_number = 0;
        if (read_number(data + EPOCH_AT, 2) == 0)
            write_number(data + NUMBER_AT, number + wire->number_offset);
        size_t length = HEADER_BYTES + (size_t)read_number(data + LENGTH_AT, 2);
        data += length < n ? length : n;
        n -= length < n ? length : n;
    }
}

static int wire_write(BIO *bio, const char *data, int size)
{
    struct dtls_bio *wire = dtls_bio_of(bio);
    size_t n = (size_t)size;
    BIO_clear_retry_flags(bio);
    if (!make_room(wire, sizeof n + n))
        return -1;
    memcpy(wire->out + wire->out_n, &n, sizeof n);
    memcpy(wire->out + wire->out_n + sizeof n, data, n);
    if (wire->first_number > 0 || wire->number_offset > 0)
        renumber(wire, wire->out + wire->out_n + sizeof n, n);
    wire->out_n += sizeof n + n;
    return size;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing is known of peers, and the MTU is set by hand */
}

BIO *dtls_bio_bio(struct dtls_bio *wire)
{
    static const struct tls_once_functions functions = {"datagrams", wire_read, wire_write,
                                                        wire_ctrl};
    static _Atomic(BIO_METHOD *) once;
    const BIO_METHOD *method = tls_once_method(&once, &functions);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}

bool dtls_bio_take(struct dtls_bio *wire, const unsigned char **ret, size_t *ret_n)
{
    if (wire->out_at == wire->out_n) {
        OPENSSL_free(wire->out);
        wire->out = NULL;
        wire->out_n = wire->out_size = wire->out_at = 0;
        return false;
    }
    memcpy(ret_n, wire->out + wire->out_at, sizeof *ret_n);
    *ret = wire->out + wire->out_at + sizeof *ret_n;
    wire->out_at += sizeof *ret_n + *ret_n;
    return true;
}
