/* SPDX-License-Identifier: MIT */
/*
 * OCSP responses (RFC 6960) about a server's certificate.
 *
 * Ownership: the caller's.   Threads: any.
 */
#ifndef TLSECHO_TLS_OCSP_H
#define TLSECHO_TLS_OCSP_H

#include <openssl/x509.h>

/* What an OCSP response (RFC 6960) says about a certificate. */
enum tls_ocsp {
    TLS_OCSP_NONE,
    TLS_OCSP_GOOD,
    TLS_OCSP_REVOKED,
    TLS_OCSP_EXPIRED, /* or not valid yet */
    TLS_OCSP_INVALID, /* no response, unsigned, or for another certificate */
};

/*
 * The status of the leaf in a DER response, which must be signed by the issuer or by a responder
 * that the issuer authorised (RFC 6960 §4.2.2.2). ret_revoked: date and reason of a revocation.
 */
enum { TLS_REVOKED_BYTES = 80 };
enum tls_ocsp tls_ocsp_check(const unsigned char *der, long n, X509 *leaf, X509 *issuer,
                             char ret_revoked[TLS_REVOKED_BYTES]);
const char *tls_ocsp_name(enum tls_ocsp staple);

#endif
