/* SPDX-License-Identifier: MIT */
/*
 * Translates the names of ciphers, suites and groups from those that users write to those of
 * OpenSSL. Each is looked up separately, as OpenSSL silently ignores unknown names in a list.
 *
 * Ownership: the caller frees results.   Threads: any.
 */
#ifndef TLSECHO_TLS_NAMES_H
#define TLSECHO_TLS_NAMES_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/suggest.h"

enum tls_names {
    TLS_NAMES_CIPHERS, /* of TLS 1.2, by OpenSSL or IANA name */
    TLS_NAMES_SUITES,  /* of TLS 1.3 */
    TLS_NAMES_GROUPS,
};

/*
 * Translates "A:?B:C" to a list for OpenSSL. ERROR_INPUT: an unknown or weak name (the error
 * suggests similar ones), an expression such as HIGH or !aNULL, or an empty list because every
 * `?NAME` is unknown. ERROR_SYSTEM: no memory.
 */
int tls_names_translate(enum tls_names kind, const char *list, char **ret, struct error *err);

/* The names that the library supports, "A, B, C". */
enum { TLS_NAMES_TEXT_BYTES = SUGGEST_BYTES };
void tls_names_list(enum tls_names kind, char ret[TLS_NAMES_TEXT_BYTES]);

/* Sets the security level and the versions. */
enum { TLS_NAMES_SECURITY_BITS = 112 }; /* level 2 of SSL_CTX_set_security_level(3) */
bool tls_names_set_limits(SSL_CTX *ssl);

#endif
