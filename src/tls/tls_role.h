/* SPDX-License-Identifier: MIT */
/*
 * What a new SSL needs for its role: server or client.
 *
 * Ownership: the caller's.   Threads: the transport's.
 */
#ifndef TLSECHO_TLS_ROLE_H
#define TLSECHO_TLS_ROLE_H

#include <openssl/ssl.h>

#include "tlsecho/base/error.h"

struct tls_context;
struct tls_verification;

/*
 * Sets the role of ssl, and for a client the server's name and the session to offer.
 * *ret_verification, which must live as long as ssl, stays NULL if the peer is not asked for a
 * certificate; it is the caller's also after a failure. server_name: client only, else NULL. Call
 * tls_memory_ran_out before making ssl. ERROR_SYSTEM, ERROR_INPUT (server_name).
 */
int tls_role_prepare(struct tls_context *ctx, SSL *ssl, const char *server_name,
                     struct tls_verification **ret_verification, struct error *err);

#endif
