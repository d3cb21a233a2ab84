/* SPDX-License-Identifier: MIT */
/*
 * What a context of DTLS has beside that of TLS.
 *
 * Ownership: none.   Threads: the setters'.
 */
#ifndef TLSECHO_DTLS_CONTEXT_H
#define TLSECHO_DTLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* False: no memory. */
bool dtls_context_install(SSL_CTX *ssl);

#endif
