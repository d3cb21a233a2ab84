/* SPDX-License-Identifier: MIT */
/*
 * Who may connect to a server: its CAs, their CRLs, and the names.
 *
 * Ownership: the context's.   Threads: one while it is built, then any.
 */
#ifndef TLSECHO_TLS_CLIENT_AUTH_H
#define TLSECHO_TLS_CLIENT_AUTH_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_clients {
    X509_STORE *store;         /* the anchors: what no other one of the bundle has issued */
    STACK_OF(X509) * links;    /* the rest, from which chains to the anchors are built */
    STACK_OF(X509) * cas;      /* the bundle, in its order */
    STACK_OF(X509_CRL) * crls; /* NULL = nothing is checked for revocation */
    X509 **crl_signers;        /* of each: one of the CAs; NULL = a CA that is not in the bundle */
    char **allow;              /* patterns of names, tls_san_match.h */
    size_t allow_count;        /* 0 = every name */
};

void tls_clients_free(struct tls_clients *clients);

/* Makes a server's context judge its clients' certificates. */
void tls_verify_client_install(SSL_CTX *ssl, struct tls_clients *clients);

#endif
