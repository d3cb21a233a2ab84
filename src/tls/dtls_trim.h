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

/* The bytes of a datagram before the first such record. */
size_t dtls_trim(const SSL *ssl, const unsigned char *data, size_t n);

#endif
