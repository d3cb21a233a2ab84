/* SPDX-License-Identifier: MIT */
/*
 * A client's session in memory.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_SESSION_MEMORY_H
#define TLSECHO_TLS_SESSION_MEMORY_H

#include <openssl/ssl.h>

#include "tlsecho/base/error.h"

struct tls_context;

/* A client's session in memory. */
struct tls_session_memory;
void tls_session_memory_free(struct tls_session_memory *memory);

/* Client: offers the session in memory, if there is one. ERROR_SYSTEM. */
int tls_session_recall(struct tls_context *ctx, SSL *ssl, struct error *err);

#endif
