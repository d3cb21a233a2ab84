/* SPDX-License-Identifier: MIT */
/*
 * A client's session in a file.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_SESSION_H
#define TLSECHO_TLS_SESSION_H

#include <openssl/ssl.h>

#include "tlsecho/base/error.h"

struct tls_context;

/* A client's session file. */
struct tls_session_file;
void tls_session_file_free(struct tls_session_file *file);

/* Client: offers the saved session if it is for this server and this client certificate, and if the
 * server's certificate would be accepted now. Call it after the server name is set. ERROR_SYSTEM.
 */
int tls_session_offer(struct tls_context *ctx, SSL *ssl, struct error *err);

#endif
