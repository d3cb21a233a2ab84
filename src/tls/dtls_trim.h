/* SPDX-License-Identifier: MIT */
/*
 * RFC 6347 §4.1.2.7: what is not authentic is dropped, and the session goes on. OpenSSL ends it for
 * an encrypted record that is shorter than what the cipher adds to each, which anybody can forge.
 *
 * Ownership: the caller's bytes.   Threads: the session's.
 */
#ifndef TLSECHO_DTLS_TRIM_H
#define TLSECHO_DTLS_TRIM_H

#include <openssl/ssl.h>
#include <stddef.h>

/* What the cipher adds to each record, at least. Before one is chosen, only a Finished is expected,
 * which is longer than any. */
size_t dtls_trim_overhead(const SSL *ssl);

/* The bytes of a datagram before the first such record. */
size_t dtls_trim(size_t overhead, const unsigned char *data, size_t n);

#endif
