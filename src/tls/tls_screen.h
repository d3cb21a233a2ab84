/* SPDX-License-Identifier: MIT */
/*
 * Checks a peer's certificates before OpenSSL parses them: parsing decodes keys and extensions, and
 * some of these take seconds (docs/adr/0016-screen-certificates.md).
 *
 * Ownership: none; reads the caller's bytes.   Threads: any.
 */
#ifndef TLSECHO_TLS_SCREEN_H
#define TLSECHO_TLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum tls_screen {
    TLS_SCREEN_OK,
    TLS_SCREEN_TOO_MANY,         /* certificates */
    TLS_SCREEN_TOO_COMPLEX,      /* ASN.1 elements in all of them */
    TLS_SCREEN_NOT_DER,          /* not a certificate as in RFC 5280 §4.1 */
    TLS_SCREEN_EXPLICIT_CURVE,   /* RFC 5480 §2.1.1: its parameters must be a named curve */
    TLS_SCREEN_COMPRESSED_POINT, /* RFC 8422 §5.1.2: deprecated, and slow to decode */
    TLS_SCREEN_LONG_RSA,         /* over 8192 bits, or its exponent over 32 */
    TLS_SCREEN_RELATIVE_NAME,    /* RFC 5280 §4.2.1.13: should not be in a distribution point */
};

/* The limits. The time that OpenSSL takes grows with the elements, not with the bytes. */
struct tls_screen_limits {
    size_t certificates, elements;
};

/* What was found in a Certificate message. */
struct tls_screening {
    enum tls_screen fault;        /* the first */
    size_t count;                 /* certificates in it, up to a malformed one */
    const unsigned char *subject; /* of the leaf, as a DER Name; NULL = unknown */
    size_t subject_n;
};

/* Checks one certificate in DER. */
enum tls_screen tls_screen_certificate(const unsigned char *der, size_t n);

/*
 * The body of a Certificate message (RFC 8446 §4.4.2 if tls13, else RFC 5246 §7.4.2). A malformed
 * one is checked up to the fault, where OpenSSL stops parsing too.
 */
struct tls_screening tls_screen_message(const unsigned char *body, size_t n, bool tls13,
                                        const struct tls_screen_limits *limits);

/* The limits for a responder and its CAs. */
extern const struct tls_screen_limits tls_ocsp_limits;

/* The certificates in an OCSP response (RFC 6960 §4.2.1) in DER. */
enum tls_screen tls_screen_ocsp(const unsigned char *der, size_t n,
                                const struct tls_screen_limits *limits);

/*
 * The key_share extension of a ClientHello (RFC 8446 §4.2.8). False: it has more shares than there
 * are groups. OpenSSL searches for each in the client's list of groups, which may be long.
 */
bool tls_screen_key_shares(const unsigned char *data, size_t n);

#endif
