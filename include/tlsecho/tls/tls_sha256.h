/* SPDX-License-Identifier: MIT */
/*
 * The SHA-256 of data that arrives in parts (FIPS 180-4).
 *
 * Ownership: tls_sha256_free.   Threads: one at a time.
 */
#ifndef TLSECHO_TLS_SHA256_H
#define TLSECHO_TLS_SHA256_H

#include <stddef.h>

enum { TLS_SHA256_TEXT_BYTES = 65 }; /* in hex, with its NUL */

struct tls_sha256;

/* NULL: no memory. */
struct tls_sha256 *tls_sha256_new(void);
void tls_sha256_free(struct tls_sha256 *sha256);

void tls_sha256_add(struct tls_sha256 *sha256, const void *data, size_t n);

/* Of what was added, in lower-case hex. Then it starts anew. */
void tls_sha256_take(struct tls_sha256 *sha256, char ret[TLS_SHA256_TEXT_BYTES]);

#endif
