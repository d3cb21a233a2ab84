/* SPDX-License-Identifier: MIT */
/*
 * Patterns for the names in client certificates:
 *
 *   DNS:*.example.org            a star is exactly one label; case does not matter (RFC 4343)
 *   URI:spiffe://td/ns/STAR/sa   a star is exactly one segment of the path (RFC 3986 §3.3)
 *   email:*@example.org          a star is the whole local part; the domain's case does not matter
 *
 * (STAR stands for a star here, which would end this comment.) Nothing else is special, and nothing
 * is normalised: different spellings do not match.
 *
 * Ownership: the caller's texts.   Threads: any.
 */
#ifndef TLSECHO_TLS_SAN_MATCH_H
#define TLSECHO_TLS_SAN_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"

/* The kinds of subjectAltName (RFC 5280 §4.2.1.6) that have patterns. */
enum tls_san_match_kind { TLS_SAN_MATCH_DNS, TLS_SAN_MATCH_URI, TLS_SAN_MATCH_EMAIL };

/* Checks a pattern. ERROR_INPUT with an example of a valid one. */
int tls_san_match_check(const char *pattern, struct error *err);

/* pattern must have passed tls_san_match_check; value: n bytes from the certificate. */
bool tls_san_match_matches(const char *pattern, enum tls_san_match_kind kind, const char *value,
                           size_t n);

#endif
