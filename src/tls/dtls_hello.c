/* SPDX-License-Identifier: MIT */
#include "dtls_hello.h"

enum {
    RECORD_HEADER_BYTES = 13,  /* RFC 6347 §4.1: type, version, epoch, number, length */
    MESSAGE_HEADER_BYTES = 12, /* §4.2.2: type, length, number, offset and length of the fragment */
    CHANGE_CIPHER_SPEC = 20,
    HANDSHAKE = 22,
    APPLICATION_DATA = 23,
    CLIENT_HELLO = 1,
    VERSION_MAJOR = 0xfe,
};

struct span {
    const unsigned char *at;
    size_t n;
};

static size_t number(const unsigned char *at, size_t bytes)
{
    size_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Takes so many bytes. */
static bool take(struct span *in, size_t n, struct span *ret)
{
    if (in->n < n)
        return false;
    *ret = (struct span){in->at, n};
    in->at += n;
    in->n -= n;
    return true;
}

/* Takes a vector behind a length of one byte. */
static bool take_vector(struct span *in, struct span *ret)
{
    struct span length;
    return take(in, 1, &length) && take(in, *length.at, ret);
}

bool dtls_hello_is_record(const unsigned char *data, size_t n)
{
    return n >= RECORD_HEADER_BYTES && data[0] >= CHANGE_CIPHER_SPEC &&
           data[0] <= APPLICATION_DATA && data[1] == VERSION_MAJOR;
}

bool dtls_hello_is_encrypted(const unsigned char *data)
{
    enum { EPOCH_AT = 3 };
    return number(data + EPOCH_AT, 2) > 0;
}

/* A message of the handshake, or a part of one. */
struct message {
    unsigned char type;
    size_t bytes, offset; /* of the whole one; where in it the part is */
    struct span part;
};

/* False: it does not begin with one, it is encrypted or malformed. */
static bool take_message(const unsigned char *data, size_t n, struct message *ret)
{
    struct span in = {data, n}, header, record, message;
    if (!dtls_hello_is_record(data, n) || dtls_hello_is_encrypted(data) || data[0] != HANDSHAKE)
        return false;
    if (!take(&in, RECORD_HEADER_BYTES, &header) ||
        !take(&in, number(header.at + 11, 2), &record) ||
        !take(&record, MESSAGE_HEADER_BYTES, &message))
        return false;
    *ret = (struct message){.type = message.at[0],
                            .bytes = number(message.at + 1, 3),
                            .offset = number(message.at + 6, 3)};
    return take(&record, number(message.at + 9, 3), &ret->part) &&
           ret->offset + ret->part.n <= ret->bytes;
}

bool dtls_hello_is_fragment(const unsigned char *data, size_t n)
{
    struct message message;
    return take_message(data, n, &message) && message.part.n > 0 && message.part.n < message.bytes;
}

bool dtls_hello_parse(const unsigned char *data, size_t n, struct dtls_hello *ret)
{
    struct message message;
    struct span body, ignored, random, cookie;
    if (!take_message(data, n, &message) || message.type != CLIENT_HELLO || message.offset != 0)
        return false;
    body = message.part;
    if (!take(&body, 2, &ignored) /* version */ || !take(&body, DTLS_HELLO_RANDOM_BYTES, &random) ||
        !take_vector(&body, &ignored) /* session */ || !take_vector(&body, &cookie))
        return false;
    *ret = (struct dtls_hello){.random = random.at,
                               .cookie = cookie.at,
                               .cookie_n = cookie.n,
                               .bytes = MESSAGE_HEADER_BYTES + message.bytes};
    return true;
}
