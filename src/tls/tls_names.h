/* SPDX-License-Identifier: MIT */
/*
 * The names of ciphers, suites and groups as users write them, to what OpenSSL takes. Each is
 * looked up on its own: OpenSSL drops silently what it does not know beside what it knows.
 *
 * Ownership: the caller frees what it gets.   Threads: any.
 */
#ifndef TLSECHO_TLS_NAMES_H
#define TLSECHO_TLS_NAMES_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/suggest.h"

enum tls_names {
    TLS_VOCABULARY_CIPHERS, /* of TLS 1.2, OpenSSL's names or IANA's */
    TLS_VOCABULARY_SUITES,  /* of TLS 1.3 */
    TLS_VOCABULARY_GROUPS,
};

/*
 * Turns "A:?B:C" into OpenSSL's list of the same. ERROR_INPUT: an unknown or weak name (with those
 * that are near), an expression such as HIGH or !aNULL, or nothing left when every `?NAME` was
 * skipped. ERROR_SYSTEM: no memory.
 */
int tls_names_translate(enum tls_names kind, const char *list, char **ret, struct error *err);

/* Those that the library offers, "A, B, C". */
enum { TLS_VOCABULARY_TEXT_BYTES = SUGGEST_BYTES };
void tls_names_list(enum tls_names kind, char ret[TLS_VOCABULARY_TEXT_BYTES]);

/* The level and the versions that everything here keeps to. */
enum { TLS_VOCABULARY_SECURITY_BITS = 112 }; /* level 2 of SSL_CTX_set_security_level(3) */
bool tls_names_set_limits(SSL_CTX *ssl);

#endif
