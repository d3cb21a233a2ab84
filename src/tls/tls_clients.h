/* SPDX-License-Identifier: MIT */
/*
 * Client authentication of a server: CAs, their CRLs, and allowed names.
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
    X509_STORE *store;         /* the anchors: certificates not issued by another of the bundle */
    STACK_OF(X509) * links;    /* the others, to build chains to the anchors */
    STACK_OF(X509) * cas;      /* the bundle, in its order */
    STACK_OF(X509_CRL) * crls; /* NULL = revocation is not checked */
    X509 **crl_signers;        /* the CA that signed each; NULL = not in the bundle */
    char **allow;              /* patterns of names, tls_san_match.h */
    size_t allow_count;        /* 0 = every name */
};

void tls_clients_free(struct tls_clients *clients);

/* Makes a server's context verify client certificates. */
void tls_verify_client_install(SSL_CTX *ssl, struct tls_clients *clients);

#endif
