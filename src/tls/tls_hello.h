/* SPDX-License-Identifier: MIT */
/*
 * Where a ClientHello ends, found from record headers (RFC 8446 §5.1) and its own length (§4)
 * alone: so that nothing of OpenSSL's has to exist before it is whole. What is in it is not looked
 * at.
 *
 * Ownership: a value.   Threads: its transport's.
 */
#ifndef TLSECHO_TLS_HELLO_H
#define TLSECHO_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_hello_state {
    TLS_HELLO_PART,      /* its end has not arrived */
    TLS_HELLO_WHOLE,     /* it ends with a record, as §5.1 demands */
    TLS_HELLO_TOO_LONG,  /* it is longer than allowed, or is going to be */
    TLS_HELLO_UNALIGNED, /* its last record goes on after its end */
    TLS_HELLO_OTHER,     /* these records are no ClientHello: OpenSSL has enough to refuse them */
};

/* As far as it has been looked at. All 0 = the first ClientHello, from its first byte. */
struct tls_hello {
    enum tls_hello_state state; /* the examiner's last word */
    bool second;                /* after a HelloRetryRequest: other records may come before it */
    unsigned char header[4];    /* of the message */
    uint32_t record_at;         /* where the record begins that is not whole yet */
    uint32_t message_bytes;     /* in the records before it */
};

/* No ClientHello that OpenSSL accepts is longer, its header included. */
enum { TLS_HELLO_MESSAGE_MAX = 131396 + 4 };

/*
 * The n bytes are all that arrived so far, those of earlier calls included; none is looked at
 * twice. max bounds them, record headers included, until the ClientHello is whole.
 */
enum tls_hello_state tls_hello_examine(struct tls_hello *hello, const unsigned char *data, size_t n,
                                       size_t max);

#endif
