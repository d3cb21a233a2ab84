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

/* result: 0 or -1, of what was done since the last call of tls_memory_ran_out. If memory ran out
 * meanwhile, that is the error, ERROR_SYSTEM, whatever else err says, and even if it seems to have
 * succeeded: what OpenSSL cannot read for lack of memory counts as missing or as invalid for good.
 */
int tls_memory_check(int result, struct error *err);

#endif
