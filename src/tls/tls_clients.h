/* SPDX-License-Identifier: MIT */
/*
 * What a server's context knows to authenticate clients: CAs, their CRLs, and allowed names.
 * tls_client_auth.c and tls_revocation.c fill it, tls_verify_client.c uses it.
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

enum {
    TLS_CLIENTS_CRLS_OF_CA_MAX = 16, /* old and new ones, by old and new keys */
};

/* NULL: nothing to do. */
void tls_clients_free(struct tls_clients *clients);

#endif
