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

#include "tls_internal.h"
#include "tls_wire.h"
#include "tlsecho/error.h"

struct tls_failure {
    unsigned long reason; /* OpenSSL's error code; 0 = none */
    int alert;            /* RFC 8446 §6.2; -1 = none went either way */
    bool alert_received;  /* it came from the peer */
    bool flood;           /* it began too many handshakes after the first */
    bool chain_refused;   /* before OpenSSL parsed it: the verdict says why */
};

/* verdict is NULL where the peer was not asked for a certificate. */
void tls_failure_describe(const struct tls_failure *failure, SSL *ssl, const struct tls_wire *wire,
                          const struct tls_verdict *verdict, struct error *err);

#endif
