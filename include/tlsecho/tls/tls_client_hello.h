/* SPDX-License-Identifier: MIT */
/*
 * A ClientHello as bytes, to be sent in ways and sizes in which no transport sends it, and what the
 * beginning of an answer to it is. No handshake follows.
 *
 * Ownership: the bytes are the caller's; free them with tls_client_hello_done.   Threads: any.
 */
#ifndef TLSECHO_TLS_CLIENT_HELLO_H
#define TLSECHO_TLS_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"
#include "tlsecho/tls/tls_context.h"

enum {
    TLS_CLIENT_HELLO_MAX_BYTES = 5 + 16384, /* one record, RFC 8446 §5.1 */
    TLS_CLIENT_HELLO_PADDING_MIN_BYTES = 4, /* an empty extension */
};

struct tls_client_hello {
    unsigned char *bytes; /* a record with its header, or two */
    size_t n;
    size_t name_at; /* in the middle of the server name in it; 0 = it has none (RFC 6066 §3) */
};

/*
 * What a transport of that context would send first, in one record. padded_bytes: its size with the
 * record header, at most TLS_CLIENT_HELLO_MAX_BYTES, made by a last extension of the private range
 * (RFC 8446 §11), which servers ignore (§4.1.2); 0, or less than
 * TLS_CLIENT_HELLO_PADDING_MIN_BYTES more than it has: without. The context must not offer a
 * session. ERROR_SYSTEM (memory); ERROR_INPUT (server_name); ERROR_TLS: what the context offers
 * does not go together.
 */
int tls_client_hello_make(struct tls_context *ctx, const char *server_name, size_t padded_bytes,
                          struct tls_client_hello *ret, struct error *err);

/* Ends the only record after `at` bytes of it, and puts the rest into a second one (RFC 8446 §5.1).
 * at: more than 5, less than n. */
void tls_client_hello_split(struct tls_client_hello *hello, size_t at);

void tls_client_hello_done(struct tls_client_hello *hello);

enum tls_answer {
    TLS_ANSWER_PART,         /* more bytes are needed */
    TLS_ANSWER_SERVER_HELLO, /* or HelloRetryRequest, which has its form (RFC 8446 §4.1.3) */
    TLS_ANSWER_ALERT,        /* a fatal one */
    TLS_ANSWER_OTHER,        /* no answer to a ClientHello */
};

/* What the first n bytes of an answer are. *ret_alert is set with TLS_ANSWER_ALERT: its
 * AlertDescription. Pure. */
enum tls_answer tls_client_hello_answer(const unsigned char *data, size_t n, int *ret_alert);

/* Alerts of level warning may come before a ServerHello (RFC 6066 §3: unrecognized_name); so much
 * is enough to see past them. */
enum { TLS_ANSWER_BYTES = 64 };

#endif
