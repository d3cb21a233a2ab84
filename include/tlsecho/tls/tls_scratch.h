/* SPDX-License-Identifier: MIT */
/*
 * Buffers for the records between the kernel and OpenSSL, shared by all TLS transports of one
 * thread.
 *
 * Ownership: the creator's; must outlive the transports.   Threads: one.
 */
#ifndef TLSECHO_TLS_SCRATCH_H
#define TLSECHO_TLS_SCRATCH_H

struct tls_scratch;
struct tls_scratch *tls_scratch_new(void); /* NULL = no memory */
void tls_scratch_free(struct tls_scratch *scratch);

#endif
