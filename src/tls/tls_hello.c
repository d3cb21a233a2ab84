/* SPDX-License-Identifier: MIT */
#include "tls_hello.h"

#include <string.h>

enum {
    RECORD_HEADER_BYTES = 5,
    RECORD_DATA_MAX = 16384 + 2048, /* RFC 5246 §6.2.3: a longer length field is invalid */
    MESSAGE_HEADER_BYTES = 4,
    CHANGE_CIPHER_SPEC = 20,
    HANDSHAKE = 22,
    APPLICATION_DATA = 23,
    CLIENT_HELLO = 1,
};

/* The record at record_at; its header is complete. */
struct record {
    unsigned char type;
    size_t start, end; /* of its data; may extend beyond what has arrived */
};

static enum tls_hello_state wait_for(size_t end, size_t max)
{
    return end > max ? TLS_HELLO_TOO_LONG : TLS_HELLO_PART;
}

/* The SSL 2.0 format, which can offer TLS 1.2 (RFC 5246 §E.2); OpenSSL accepts it. */
static bool is_version_2(const struct tls_hello *h, const unsigned char *data)
{
    return h->record_at == 0 && !h->second && data[0] & 0x80 && data[2] == CLIENT_HELLO;
}

static enum tls_hello_state examine_version_2(const unsigned char *data, size_t n, size_t max)
{
    size_t end = 2 + ((data[0] & 0x7fU) << 8 | data[1]);
    if (end > max)
        return TLS_HELLO_TOO_LONG;
    return n < end ? TLS_HELLO_PART : TLS_HELLO_WHOLE;
}

static bool read_record(const struct tls_hello *h, const unsigned char *data, struct record *ret)
{
    const unsigned char *header = data + h->record_at;
    size_t size = (size_t)header[3] << 8 | header[4];
    ret->type = header[0];
    ret->start = h->record_at + RECORD_HEADER_BYTES;
    ret->end = ret->start + size;
    return header[1] == 3 && size <= RECORD_DATA_MAX;
}

/* Records that a client may send before the second ClientHello: a change_cipher_spec (RFC 8446
 * §D.4), and early data, which is skipped (§4.2.10). */
static bool is_skipped(const struct tls_hello *h, const struct record *r)
{
    return h->second && (r->type == CHANGE_CIPHER_SPEC || r->type == APPLICATION_DATA);
}

/* Copies the message header, or a part of it, from the record. Returns the length of the message; 0
 * = not known yet. */
static size_t read_message_size(struct tls_hello *h, const struct record *r,
                                const unsigned char *data, size_t n)
{
    size_t arrived = (n < r->end ? n : r->end) - r->start;
    for (size_t i = 0; i < arrived && h->message_bytes + i < MESSAGE_HEADER_BYTES; i++)
        h->header[h->message_bytes + i] = data[r->start + i];
    if (h->message_bytes + arrived < MESSAGE_HEADER_BYTES)
        return 0;
    return MESSAGE_HEADER_BYTES +
           ((size_t)h->header[1] << 16 | (size_t)h->header[2] << 8 | h->header[3]);
}

/* The least number of bytes, with record headers, for a message of that size. */
static size_t least_bytes(const struct tls_hello *h, const struct record *r, size_t message_size)
{
    size_t with_record = h->message_bytes + (r->end - r->start);
    if (message_size <= with_record)
        return r->end;
    return r->end + RECORD_HEADER_BYTES + message_size - with_record;
}

/* TLS_HELLO_PART: the record is complete, and the message continues after it. */
static enum tls_hello_state examine_record(struct tls_hello *h, const struct record *r,
                                           const unsigned char *data, size_t n, size_t max)
{
    if (r->type != HANDSHAKE && !is_skipped(h, r))
        return n < r->end ? wait_for(r->end, max) : TLS_HELLO_OTHER;
    if (r->type != HANDSHAKE)
        return wait_for(r->end, max);

    size_t size = read_message_size(h, r, data, n);
    bool other = size > 0 && h->header[0] != CLIENT_HELLO;
    if (!other && (size > TLS_HELLO_MESSAGE_MAX || least_bytes(h, r, size) > max))
        return TLS_HELLO_TOO_LONG;
    if (n < r->end)
        return wait_for(r->end, max);
    if (other)
        return TLS_HELLO_OTHER;
    h->message_bytes += (uint32_t)(r->end - r->start);
    if (size == 0 || h->message_bytes < size)
        return TLS_HELLO_PART;
    return h->message_bytes == size ? TLS_HELLO_WHOLE : TLS_HELLO_UNALIGNED;
}

enum tls_hello_state tls_hello_examine(struct tls_hello *h, const unsigned char *data, size_t n,
                                       size_t max)
{
    while (n - h->record_at >= RECORD_HEADER_BYTES) {
        if (is_version_2(h, data))
            return examine_version_2(data, n, max);
        struct record record;
        if (!read_record(h, data, &record))
            return TLS_HELLO_OTHER;
        enum tls_hello_state state = examine_record(h, &record, data, n, max);
        if (state != TLS_HELLO_PART || n < record.end)
            return state;
        h->record_at = (uint32_t)record.end;
    }
    return wait_for(h->record_at + RECORD_HEADER_BYTES, max);
}
