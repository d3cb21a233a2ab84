/* SPDX-License-Identifier: MIT */
/*
 * Patterns of the names that a client's certificate may be for:
 *
 *   DNS:*.example.org            a star is exactly one label; case does not matter (RFC 4343)
 *   URI:spiffe://td/ns/STAR/sa   a star is exactly one segment of the path (RFC 3986 §3.3)
 *   email:*@example.org          a star is the whole local part; the domain's case does not matter
 *
 * (STAR stands for a star here, which would end this comment.) Nothing else is special, and nothing
 * is normalised: where two spellings could mean the same, they are different.
 *
 * Ownership: the caller's texts.   Threads: any.
 */
#ifndef TLSECHO_TLS_SAN_MATCH_H
#define TLSECHO_TLS_SAN_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"

/* The kinds of subjectAltName (RFC 5280 §4.2.1.6) that a pattern can be for. */
enum tls_san_match_kind { TLS_SAN_MATCH_DNS, TLS_SAN_MATCH_URI, TLS_SAN_MATCH_EMAIL };

/* Whether it is such a pattern. ERROR_INPUT says what to write instead. */
int tls_san_match_check(const char *pattern, struct error *err);

/* pattern passed tls_san_match_check; value has n bytes, as the certificate has them. */
bool tls_san_match_matches(const char *pattern, enum tls_san_match_kind kind, const char *value,
                           size_t n);

#endif
