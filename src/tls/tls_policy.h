/* SPDX-License-Identifier: MIT */
/*
 * What a context offers and accepts: versions, ciphers, suites, groups, ALPN.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_POLICY_H
#define TLSECHO_TLS_POLICY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tlsecho/tls/tls_context.h"

/* Sets the default security level, versions, ciphers, suites and groups. */
bool tls_policy_set_defaults(SSL_CTX *ssl);

/* Server: has the context select a protocol that the client offers (RFC 7301). */
void tls_policy_answer_alpn(struct tls_context *ctx);

/* Server: offers these protocols, NULL behind the last, instead of those of the context; with *list
 * NULL those. list must outlive ssl. */
void tls_policy_offer_only(SSL *ssl, const char *const **list);

#endif
