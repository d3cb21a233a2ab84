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

#include "tls_context_internal.h"

struct tls_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* above the leaf */
    EVP_PKEY *key;          /* NULL = not given yet; the certificate is not used */
    const char *key_type;   /* OpenSSL's name for it */
    char **names;           /* its names in the form that is compared, sorted, without duplicates */
    size_t name_count;
    struct tls_stapling *stapling; /* NULL = nothing to staple */
};

/* The certificate added last; NULL if there is none. */
struct tls_certificate *tls_certificates_last(const struct tls_context *ctx);

/* The certificate of a connection; NULL if it has none. */
const struct tls_certificate *tls_certificates_used(const struct tls_context *ctx, SSL *ssl);

/* Adds a warning to a server's context for each defect because of which clients refuse it. path: of
 * its file. ERROR_SYSTEM (memory). */
int tls_suitability_warn(struct tls_context *ctx, const struct tls_certificate *c, const char *path,
                         struct error *err);

/* Likewise, if OpenSSL's configuration leaves no signature scheme for its key. */
int tls_signatures_warn(struct tls_context *ctx, X509 *leaf, const char *path, struct error *err);

/* Makes a server store the server name that its client requested. */
void tls_certificates_install(struct tls_context *ctx);
void tls_certificates_free(struct tls_context *ctx);

void tls_stapling_free(struct tls_stapling *stapling);

#endif
