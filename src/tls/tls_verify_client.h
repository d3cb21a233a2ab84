/* SPDX-License-Identifier: MIT */
/*
 * How a server verifies clients.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_VERIFY_CLIENT_H
#define TLSECHO_TLS_VERIFY_CLIENT_H

#include <openssl/ssl.h>

struct tls_clients;

/* Makes a server's context verify client certificates. */
void tls_verify_client_install(SSL_CTX *ssl, struct tls_clients *clients);

#endif
