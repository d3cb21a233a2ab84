/* SPDX-License-Identifier: MIT */
/*
 * Why a TLS connection failed, in words that a person can act on.
 *
 * Ownership: values.   Threads: its transport's.
 */
#ifndef TLSECHO_TLS_FAILURE_H
#define TLSECHO_TLS_FAILURE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tls_bio.h"
#include "tls_internal.h"
#include "tlsecho/base/error.h"

struct tls_failure {
    unsigned long reason;           /* OpenSSL's error code; 0 = none */
    int alert;                      /* RFC 8446 §6.2; -1 = none went either way */
    bool alert_received : 1;        /* it came from the peer */
    bool flood : 1;                 /* it began too many handshakes after the first */
    bool no_memory : 1;             /* OpenSSL may tell that as anything */
    bool chain_refused : 1;         /* before OpenSSL parsed it: the verdict says why */
    bool established : 1;           /* the handshake had been complete */
    bool renegotiation_refused : 1; /* a server asked for it, RFC 5246 §7.4.1.1 */
    unsigned short server_version;  /* legacy_version of the ServerHello; 0 = none came */
};

/* verdict is NULL where the peer was not asked for a certificate. */
void tls_failure_describe(const struct tls_failure *failure, SSL *ssl, const struct tls_bio *wire,
                          const struct tls_verdict *verdict, struct error *err);

#endif
