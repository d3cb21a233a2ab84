/* SPDX-License-Identifier: MIT */
/*
 * Describes why a TLS connection failed, with a remedy.
 *
 * Ownership: values.   Threads: its transport's.
 */
#ifndef TLSECHO_TLS_FAILURE_H
#define TLSECHO_TLS_FAILURE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tlsecho/base/error.h"

struct tls_bio;
struct tls_verification;

struct tls_failure {
    unsigned long reason;    /* OpenSSL's error code; 0 = none */
    int alert;               /* RFC 8446 §6.2; -1 = none sent or received */
    bool alert_received : 1; /* the peer sent it */
    bool flood : 1;          /* too many key updates or renegotiation attempts */
    bool no_memory : 1;      /* OpenSSL may report any other reason */
    bool chain_refused : 1;  /* refused before OpenSSL parsed it; the verification has the reason */
    bool established : 1;    /* after the handshake */
    bool renegotiation_refused : 1; /* the server sent a HelloRequest, RFC 5246 §7.4.1.1 */
    unsigned short server_version;  /* legacy_version of the ServerHello; 0 = none received */
};

/* SSL_set_info_callback(3) has reported an alert: notes it if it ends the connection. */
void tls_failure_note_alert(struct tls_failure *failure, const SSL *ssl, int where, int value);

/* verification is NULL if no certificate was requested from the peer. */
void tls_failure_describe(const struct tls_failure *failure, SSL *ssl, const struct tls_bio *wire,
                          const struct tls_verification *verification, struct error *err);

#endif
