/* SPDX-License-Identifier: MIT */
/*
 * Whether OpenSSL ran out of memory. It tells that as whatever failed for it: an issuer that is not
 * found, a key that is too weak.
 *
 * Ownership: none.   Threads: each asks for itself.
 */
#ifndef TLSECHO_TLS_MEMORY_H
#define TLSECHO_TLS_MEMORY_H

#include <stdbool.h>

/* From now on it is known. Before anything else that OpenSSL does: later it is too late, and
 * nothing is known, CRYPTO_set_mem_functions(3). */
void tls_memory_watch(void);

/* An allocation has failed in this thread since the last call. */
bool tls_memory_ran_out(void);

#endif
