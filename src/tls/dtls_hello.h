/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a ClientHello of DTLS, as it arrives in the first datagram (RFC 6347 §4.2.2): it
 * may be the first of several fragments.
 *
 * Ownership: points into the caller's bytes.   Threads: any.
 */
#ifndef TLSECHO_DTLS_HELLO_H
#define TLSECHO_DTLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>

enum { DTLS_HELLO_RANDOM_BYTES = 32 };

struct dtls_hello {
    const unsigned char *random;
    const unsigned char *cookie;
    size_t cookie_n; /* 0 = none */
    size_t bytes;    /* of the whole message with its header */
};

/* Whether it begins with the header of a record. */
bool dtls_hello_is_record(const unsigned char *data, size_t n);

/* A record of an epoch after the first. */
bool dtls_hello_is_encrypted(const unsigned char *data);

/* Whether it begins with a part, not all, of a message of the handshake that is not encrypted. */
bool dtls_hello_is_fragment(const unsigned char *data, size_t n);

/* False: it is something else, or malformed. */
bool dtls_hello_parse(const unsigned char *data, size_t n, struct dtls_hello *ret);

#endif
