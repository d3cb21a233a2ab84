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

/* Sets the default security level, versions, ciphers, suites and groups. */
bool tls_policy_set_defaults(SSL_CTX *ssl);

#endif
