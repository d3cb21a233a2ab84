/* SPDX-License-Identifier: MIT */
/*
 * The OCSP response (RFC 6960) that a server staples to its certificate (RFC 6066 §8).
 *
 * Ownership: the caller's.   Threads: any.
 */
#ifndef TLSECHO_TLS_STAPLE_H
#define TLSECHO_TLS_STAPLE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

struct tls_staple {
    unsigned char *der;
    size_t n;
    int64_t from, until; /* when it is in date, seconds since 1970 */
};

/* Reads a response in DER. ERROR_INPUT: not a response, not "good", or not about that leaf. */
int tls_staple_read(const char *path, X509 *leaf, struct tls_staple **ret, struct error *err);

/* NULL: nothing to do. */
void tls_staple_free(struct tls_staple *staple);

#endif
