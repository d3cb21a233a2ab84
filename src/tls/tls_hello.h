/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of a ClientHello from record headers (RFC 8446 §5.1) and its length (§4), so that
 * no SSL object is needed before it is complete. Its content is not parsed.
 *
 * Ownership: a value.   Threads: its transport's.
 */
#ifndef TLSECHO_TLS_HELLO_H
#define TLSECHO_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_hello_state {
    TLS_HELLO_PART,      /* incomplete */
    TLS_HELLO_WHOLE,     /* complete, and it ends with a record, as §5.1 requires */
    TLS_HELLO_TOO_LONG,  /* longer than allowed, or its length field says so */
    TLS_HELLO_UNALIGNED, /* its last record contains more */
    TLS_HELLO_OTHER,     /* not a ClientHello: OpenSSL has enough to refuse it */
};

/* The state of the parser. All 0 = at the start of the first ClientHello. */
struct tls_hello {
    enum tls_hello_state state; /* the last result */
    bool second;                /* after a HelloRetryRequest: other records may come before it */
    unsigned char header[4];    /* of the message */
    uint32_t record_at;         /* offset of the incomplete record */
    uint32_t message_bytes;     /* bytes of the message before that record */
};

/* No ClientHello that OpenSSL accepts is longer, its header included. */
enum { TLS_HELLO_MESSAGE_MAX = 131396 + 4 };

/*
 * The n bytes are all that have arrived, including those of earlier calls, which are not parsed
 * again. max limits them, with record headers, until the ClientHello is complete.
 */
enum tls_hello_state tls_hello_examine(struct tls_hello *hello, const unsigned char *data, size_t n,
                                       size_t max);

#endif
