/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls_clients.h"
#include "tls_context_internal.h"
#include "tls_dated.h"
#include "tls_error.h"
#include "tls_files.h"
#include "tls_pem.h"
#include "tls_san_match.h"
#include "tls_ticket_scope.h"
#include "tls_verify_client.h"
#include "tls_warning.h"

/* Of the context; created by the first setting about clients. */
static struct tls_clients *clients_of(struct tls_context *ctx, struct error *err)
{
    if (ctx->clients)
        return ctx->clients;
    struct tls_clients *clients = calloc(1, sizeof *clients);
    if (clients)
        clients->store = X509_STORE_new();
    /* An anchor need not be self-signed: an intermediate CA without its root is one too. */
    if (!clients || !clients->store ||
        !X509_STORE_set_flags(clients->store, X509_V_FLAG_PARTIAL_CHAIN)) {
        tls_clients_free(clients);
        error_set(err, ERROR_SYSTEM, "make a TLS context: no memory");
        return NULL;
    }
    return ctx->clients = clients;
}

static int compare_names(const X509_NAME *const *a, const X509_NAME *const *b)
{
    return X509_NAME_cmp(*a, *b);
}

static bool is_issued_by(X509 *certificate, X509 *ca)
{
    bool issued = X509_check_issued(ca, certificate) == X509_V_OK &&
                  X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
    ERR_clear_error();
    return issued;
}

/* Whether another certificate of the bundle issued it; a self-signed one has no other issuer. */
static bool is_issued_within(const struct tls_clients *clients, X509 *certificate)
{
    if (is_issued_by(certificate, certificate))
        return false;
    for (int i = 0; i < sk_X509_num(clients->cas); i++)
        if (is_issued_by(certificate, sk_X509_value(clients->cas, i)))
            return true;
    return false;
}

static bool add_link(struct tls_clients *clients, X509 *certificate)
{
    if (!clients->links)
        clients->links = sk_X509_new_null();
    return clients->links && sk_X509_push(clients->links, certificate) > 0;
}

/*
 * Each certificate of the bundle can be an anchor. With X509_V_FLAG_PARTIAL_CHAIN OpenSSL stops at
 * the first one and does not check the CRL of its issuer; so a certificate whose issuer is in the
 * bundle too is not an anchor.
 */
static int add_cas(struct tls_clients *clients, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_num(clients->cas); i++) {
        X509 *ca = sk_X509_value(clients->cas, i);
        bool added = is_issued_within(clients, ca) ? add_link(clients, ca)
                                                   : X509_STORE_add_cert(clients->store, ca) == 1;
        if (!added)
            return tls_error_set(err, ERROR_INPUT, "%s cannot be used", path);
    }
    return 0;
}

/* The names of the CAs without duplicates. NULL = no memory. */
static STACK_OF(X509_NAME) * list_names(const struct tls_clients *clients)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new(compare_names);
    for (int i = 0; names && i < sk_X509_num(clients->cas); i++) {
        X509_NAME *name = X509_get_subject_name(sk_X509_value(clients->cas, i));
        if (sk_X509_NAME_find(names, name) >= 0)
            continue;
        X509_NAME *copy = X509_NAME_dup(name);
        if (!copy || !sk_X509_NAME_push(names, copy)) {
            X509_NAME_free(copy);
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            return NULL;
        }
    }
    return names;
}

/* In the format of the message: each after its length. */
static size_t names_bytes(STACK_OF(X509_NAME) * names)
{
    size_t bytes = 0;
    for (int i = 0; i < sk_X509_NAME_num(names); i++)
        bytes += 2 + (size_t)i2d_X509_NAME(sk_X509_NAME_value(names, i), NULL);
    return bytes;
}

/*
 * Sets the CA names of the CertificateRequest (RFC 8446 §4.2.4), from which a client selects its
 * certificate. All or none: a client whose CA is not in the list sends no certificate, but without
 * a list it does.
 */
static int name_cas(struct tls_context *ctx, const char *path, struct error *err)
{
    enum { NAMES_BYTES_MAX = 65000 }; /* 65,535 with the rest of the request */
    STACK_OF(X509_NAME) *names = list_names(ctx->clients);
    if (!names)
        return error_set(err, ERROR_SYSTEM, "read %s: no memory", path);
    size_t bytes = names_bytes(names);
    if (bytes <= NAMES_BYTES_MAX) {
        SSL_CTX_set_client_CA_list(ctx->ssl, names);
        return 0;
    }
    int count = sk_X509_NAME_num(names);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return tls_warning_add(
        ctx, (struct tls_warning_topic){"client_ca_names_omitted", path}, err,
        "the names of %d CAs are %zu bytes, more than fit in a CertificateRequest: none is sent, "
        "and clients choose a certificate without them: remove CAs that no client uses",
        count, bytes);
}

static int watch_cas(struct tls_context *ctx, const char *path, struct error *err)
{
    STACK_OF(X509) *cas = ctx->clients->cas;
    for (int i = 0; i < sk_X509_num(cas); i++)
        if (tls_dated_add(ctx, TLS_DATED_CLIENT_CA, path, sk_X509_value(cas, i), err))
            return -1;
    return 0;
}

int tls_context_use_client_ca(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_clients *clients = clients_of(ctx, err);
    if (!clients)
        return -1;
    assert(!clients->cas);
    int result = tls_pem_read_certificates(path, TLS_PEM_PUBLIC, &clients->cas, err);
    if (result == 0)
        result = add_cas(clients, path, err);
    if (result == 0)
        result = name_cas(ctx, path, err);
    if (result == 0)
        result = watch_cas(ctx, path, err);
    if (result == 0)
        result = tls_files_warn(ctx, path, false, err);
    return result;
}

int tls_context_allow_name(struct tls_context *ctx, const char *pattern, struct error *err)
{
    struct tls_clients *clients = clients_of(ctx, err);
    if (!clients || tls_san_match_check(pattern, err) < 0)
        return -1;
    char **longer = realloc(clients->allow, (clients->allow_count + 1) * sizeof *longer);
    char *copy = strdup(pattern);
    if (longer)
        clients->allow = longer;
    if (!longer || !copy) {
        free(copy);
        return error_set(err, ERROR_SYSTEM, "make a TLS context: no memory");
    }
    clients->allow[clients->allow_count++] = copy;
    return 0;
}

int tls_context_set_client_auth(struct tls_context *ctx, enum tls_client_auth mode,
                                struct error *err)
{
    if (mode == TLS_CLIENT_AUTH_OFF)
        return tls_ticket_scope_fix(ctx, mode, err);
    if (!ctx->clients || !ctx->clients->cas)
        return error_set(err, ERROR_INPUT,
                         "client_auth needs client_ca: name the bundle of the clients' CAs");
    int required = mode == TLS_CLIENT_AUTH_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | required, NULL);
    tls_verify_client_install(ctx->ssl, ctx->clients);
    return tls_ticket_scope_fix(ctx, mode, err);
}
