/* SPDX-License-Identifier: MIT */
/*
 * The verification of a peer's chain: finds the worst fault, which decides the result.
 *
 * Ownership: see each declaration.   Threads: the transport's.
 */
#ifndef TLSECHO_TLS_VERIFICATION_H
#define TLSECHO_TLS_VERIFICATION_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tls_ocsp.h"
#include "tlsecho/base/error.h"

/* The result of verifying the peer's certificate; all 0 before the handshake. */
struct tls_verification {
    bool requested_client_certificate; /* the server requested one */
    bool untrusted, expired;
    long error;                  /* X509_V_ERR_*, the decisive one; X509_V_OK = none */
    int depth;                   /* of the certificate with that error: 0 = the leaf */
    char text[ERROR_TEXT_BYTES]; /* what is wrong; "" = nothing */
    const char *remedy;          /* what a client can do about it */

    /* Client only: */
    STACK_OF(X509) * chain; /* as the server sent it, leaf first; NULL = not received */
    STACK_OF(X509) * path; /* as verified, from the leaf to the trust anchor; NULL = not verified */
    X509 *issuer;          /* of the leaf; NULL = unknown */
    enum tls_ocsp staple;
};

/* The kinds of faults of a chain, the worst first. */
enum tls_fault { TLS_FAULT_UNTRUSTED, TLS_FAULT_EXPIRED, TLS_FAULT_NAME, TLS_FAULTS };

struct tls_finding {
    long error; /* X509_V_ERR_* */
    int depth;
    X509 *certificate; /* owned by the chain and its store; NULL = none */
    X509_CRL *crl;
};

/* Call it before the handshake: the callbacks store their results in *verification, which belongs
 * to the owner of ssl and must live as long. */
int tls_verification_attach(SSL *ssl, struct tls_verification *verification, struct error *err);
struct tls_verification *tls_verification_of(const SSL *ssl);
void tls_verification_free(struct tls_verification *verification);

/* Verifies the chain up to the first fault that makes it untrusted, and fills *v except text;
 * nothing else is known of an untrusted chain. Returns the decisive fault, whose error the store
 * has too: X509_V_OK if nothing is wrong. */
struct tls_finding tls_verification_run(X509_STORE_CTX *store, struct tls_verification *v);

/* The error kind of a verification: untrusted, else expired, else name mismatch. */
enum error_kind tls_verification_error_kind(const struct tls_verification *verification);

#endif
