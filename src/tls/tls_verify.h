/* SPDX-License-Identifier: MIT */
/*
 * How a client verifies a server.
 *
 * Ownership: the caller's.   Threads: as tls_context.h and transport.h.
 */
#ifndef TLSECHO_TLS_VERIFY_H
#define TLSECHO_TLS_VERIFY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tlsecho/base/error.h"

struct tls_context;

/* Client: sends (names only, RFC 6066 §3) and verifies server_name (RFC 9525 §6). ERROR_INPUT: not
 * a name or address; ERROR_SYSTEM: no memory. */
int tls_verify_prepare(SSL *ssl, const char *server_name, struct error *err);

/* Makes a client's context verify servers according to its `trust`. */
void tls_verify_install(struct tls_context *ctx);

/*
 * Client: verifies a stored chain as if the server of ssl had sent it now. False: it would be
 * refused; the verification is reset.
 */
bool tls_verify_again(struct tls_context *ctx, SSL *ssl, STACK_OF(X509) * chain);

/* The name or address that a client verifies, for messages; free it. NULL = no memory.
 */
char *tls_verify_name(X509_VERIFY_PARAM *param);

#endif
