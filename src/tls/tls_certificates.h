/* SPDX-License-Identifier: MIT */
/*
 * The certificates of a context. A server selects one by the server name (SNI, RFC 6066 §3) and by
 * what the client can verify; a client has one.
 *
 * Ownership: the context's, freed with it.   Threads: as for tls_context.
 */
#ifndef TLSECHO_TLS_CERTIFICATES_H
#define TLSECHO_TLS_CERTIFICATES_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "tlsecho/base/error.h"

struct tls_context;
struct tls_staple;

struct tls_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* above the leaf; NULL = none */
    EVP_PKEY *key;          /* NULL = not given yet; the certificate is not used */
    const char *key_type;   /* OpenSSL's name for it */
    char **names;           /* its names in the form that is compared, sorted, without duplicates */
    size_t name_count;
    struct tls_staple *staple; /* NULL = nothing to staple */
};

/* The certificate added last; NULL if there is none. */
struct tls_certificate *tls_certificates_last(const struct tls_context *ctx);

/* The certificate of a connection; NULL if it has none. */
const struct tls_certificate *tls_certificates_used(const struct tls_context *ctx, SSL *ssl);

/* Adds certificates, leaf first (the caller keeps the stack), and the key of the leaf added last;
 * `name` is for messages. ERROR_INPUT. */
int tls_certificates_add(struct tls_context *ctx, STACK_OF(X509) * certificates, const char *name,
                         struct error *err);
int tls_certificates_add_key(struct tls_context *ctx, EVP_PKEY *key, const char *name,
                             struct error *err);

/* Makes a server store the server name that its client requested. */
void tls_certificates_install(struct tls_context *ctx);
void tls_certificates_free(struct tls_context *ctx);

#endif
