/* SPDX-License-Identifier: MIT */
/*
 * The key log of a context.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_KEYLOG_H
#define TLSECHO_TLS_KEYLOG_H

struct tls_context;

/* Closes it, if there is one. */
void tls_keylog_close(struct tls_context *ctx);

#endif
