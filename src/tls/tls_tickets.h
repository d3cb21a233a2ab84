/* SPDX-License-Identifier: MIT */
/*
 * The tickets of a server: their keys, and how long a client's proof of its key is valid.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_TICKETS_H
#define TLSECHO_TLS_TICKETS_H

#include <stdbool.h>

struct tls_context;

/* Makes a server encrypt its tickets with the keys of the context or of the process; false = no
 * memory. tls_tickets_free cleanses and frees them. */
bool tls_tickets_install(struct tls_context *ctx);
void tls_tickets_free(struct tls_context *ctx);

#endif
