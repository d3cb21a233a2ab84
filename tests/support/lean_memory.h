/* SPDX-License-Identifier: MIT */
/*
 * Allocations of OpenSSL that fail where the test says so, and are noticed by tls_memory.h.
 *
 * Threads: one.
 */
#ifndef TLSECHO_TEST_LEAN_MEMORY_H
#define TLSECHO_TEST_LEAN_MEMORY_H

/* Call it before any other use of OpenSSL. */
void lean_memory_watch(void);

/* One allocation fails, after that many others. */
void lean_memory_fail_after(int others);

/* Likewise, but the memory is there: as if OpenSSL had done without. */
void lean_memory_note_after(int others);

/* No longer. Returns how many were left until then; -1 = it has failed. */
int lean_memory_end(void);

/* An allocation of something else fails. */
void lean_memory_run_out(void);

#endif
