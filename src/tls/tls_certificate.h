/* SPDX-License-Identifier: MIT */
/*
 * The text of a certificate's fields.
 *
 * Ownership: the caller's.   Threads: any.
 */
#ifndef TLSECHO_TLS_CERTIFICATE_H
#define TLSECHO_TLS_CERTIFICATE_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/net/peer.h"

/* OpenSSL derives some facts of a certificate at its first use. Call this before several threads
 * use it. */
void tls_certificate_derive(X509 *certificate);

/* Fills everything except `verified`. Control characters are escaped. */
void tls_certificate_describe(X509 *certificate, struct peer_certificate *ret);

/* RFC 2253 in UTF-8, control characters escaped, cut to size. */
void tls_certificate_name(const X509_NAME *name, char *ret, size_t size);

/* The subjectAltNames of a certificate in the format of struct tls_chain_certificate; free with
 * OPENSSL_free. NULL = no memory. */
char *tls_certificate_all_names(X509 *certificate);

enum tls_names_of {
    TLS_NAMES_OF_HOSTS,  /* DNS names and addresses: "localhost, 127.0.0.1" */
    TLS_NAMES_WITH_KIND, /* all: "DNS:localhost, URI:spiffe://td/sa, email:a@example.org, IP:::1" */
};

/* The first subjectAltNames of a certificate, "a, b, c and 7 more"; "" if it has none. Control
 * characters are escaped. */
void tls_certificate_names(X509 *certificate, enum tls_names_of which, char *ret, size_t size);

/* A date of a certificate in UTC, "2026-01-02 03:04". */
enum { TLS_CERTIFICATE_DATE_BYTES = 32 };
void tls_certificate_date_text(const ASN1_TIME *date, char ret[TLS_CERTIFICATE_DATE_BYTES]);

/* The same in seconds since 1970; 0 = unreadable. */
int64_t tls_certificate_date_seconds(const ASN1_TIME *date);

#endif
