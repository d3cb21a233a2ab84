/* SPDX-License-Identifier: MIT */
/*
 * What a failure of TLS means to the user of a client, and what to do about it.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_TLS_MEANING_H
#define TLSECHO_TLS_MEANING_H

#include <stdbool.h>

/* Both, to go behind "the server sent the alert NAME: " (RFC 8446 §6.2): during the handshake, or
 * on an established session. Never NULL. */
const char *tls_meaning_of_alert(int alert, bool established);

struct tls_meaning {
    const char *what, *remedy;
};

/* Why OpenSSL could not go on with what the server sent during the handshake, by its error. */
struct tls_meaning tls_meaning_of_reason(unsigned long error);

/* Whether OpenSSL found, on an established session, what is no record of it. */
bool tls_meaning_is_no_record(unsigned long error);

#endif
