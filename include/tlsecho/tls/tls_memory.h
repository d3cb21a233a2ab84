/* SPDX-License-Identifier: MIT */
/*
 * Whether OpenSSL ran out of memory. It reports that as the operation that failed: an issuer that
 * is not found, a key that is too weak.
 *
 * Ownership: none.   Threads: any; each has its own state.
 */
#ifndef TLSECHO_TLS_MEMORY_H
#define TLSECHO_TLS_MEMORY_H

#include <stdbool.h>

#include "tlsecho/base/error.h"

/* Starts to watch the allocations of OpenSSL. Call it before any other use of OpenSSL: later it has
 * no effect, CRYPTO_set_mem_functions(3). */
void tls_memory_watch(void);

/* An allocation has failed in this thread since the last call. */
bool tls_memory_ran_out(void);

/* For what has failed since the last call of tls_memory_ran_out: if memory ran out meanwhile, that
 * is the error, ERROR_SYSTEM, whatever else err says. Always returns -1. */
int tls_memory_explain(struct error *err);

#endif
