/* SPDX-License-Identifier: MIT */
#include "tls_client_auth.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls_internal.h"
#include "tls_pem.h"
#include "tlsecho/tls_allow.h"

void tls_clients_free(struct tls_clients *clients)
{
    if (!clients)
        return;
    for (size_t i = 0; i < clients->allow_count; i++)
        free(clients->allow[i]);
    free(clients->allow);
    sk_X509_CRL_pop_free(clients->crls, X509_CRL_free);
    sk_X509_pop_free(clients->cas, X509_free);
    X509_STORE_free(clients->store);
    free(clients);
}

/* The context's, made with the first thing that is said about clients. */
static struct tls_clients *clients_of(struct tls_context *ctx, struct error *err)
{
    if (ctx->clients)
        return ctx->clients;
    struct tls_clients *clients = calloc(1, sizeof *clients);
    if (clients)
        clients->store = X509_STORE_new();
    if (!clients || !clients->store) {
        free(clients);
        error_set(err, ERROR_SYSTEM, "make a TLS context: no memory");
        return NULL;
    }
    return ctx->clients = clients;
}

static int add_cas(struct tls_clients *clients, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_num(clients->cas); i++)
        if (!X509_STORE_add_cert(clients->store, sk_X509_value(clients->cas, i)))
            return tls_error_set(err, ERROR_INPUT, "%s cannot be used", path);
    return 0;
}

/* The names in a CertificateRequest (RFC 8446 §4.2.4): which certificate a client should take. */
static int name_cas(SSL_CTX *ssl, const struct tls_clients *clients, struct error *err)
{
    for (int i = 0; i < sk_X509_num(clients->cas); i++)
        if (!SSL_CTX_add1_to_CA_list(ssl, sk_X509_value(clients->cas, i)))
            return tls_error_set(err, ERROR_SYSTEM, "name the CAs of clients");
    return 0;
}

int tls_context_use_client_ca(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_clients *clients = clients_of(ctx, err);
    if (!clients)
        return -1;
    assert(!clients->cas);
    int result = tls_pem_read_certificates(path, &clients->cas, err);
    if (result == 0)
        result = add_cas(clients, path, err);
    if (result == 0)
        result = name_cas(ctx->ssl, clients, err);
    return result;
}

/* By its signature: a CA that has renewed its key under the same name has CRLs of both. */
static bool is_crl_of(X509_CRL *crl, X509 *ca)
{
    bool same = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) == 0 &&
                X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1;
    ERR_clear_error();
    return same;
}

static bool has_crl(const struct tls_clients *clients, X509 *ca)
{
    for (int i = 0; i < sk_X509_CRL_num(clients->crls); i++)
        if (is_crl_of(sk_X509_CRL_value(clients->crls, i), ca))
            return true;
    return false;
}

static int check_crls(const struct tls_clients *clients, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_num(clients->cas); i++) {
        X509 *ca = sk_X509_value(clients->cas, i);
        char name[PEER_NAME_BYTES];
        if (has_crl(clients, ca))
            continue;
        tls_name_text(X509_get_subject_name(ca), name, sizeof name);
        return error_set(err, ERROR_INPUT,
                         "%s has no CRL of \"%s\": every CA of the bundle needs one, signed by it",
                         path, name);
    }
    return 0;
}

static int add_crls(struct tls_clients *clients, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_CRL_num(clients->crls); i++)
        if (!X509_STORE_add_crl(clients->store, sk_X509_CRL_value(clients->crls, i)))
            return tls_error_set(err, ERROR_INPUT, "%s cannot be used", path);
    X509_STORE_set_flags(clients->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

int tls_context_use_crl(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_clients *clients = ctx->clients;
    struct tls_pem pem;
    if (!clients || !clients->cas)
        return error_set(err, ERROR_INPUT, "CRLs are for the CAs of clients: name those first");
    if (tls_pem_open(path, false, &pem, err))
        return -1;
    assert(!clients->crls);
    int result = tls_pem_crls(&pem, &clients->crls, err);
    tls_pem_close(&pem);
    if (result == 0)
        result = check_crls(clients, path, err);
    if (result == 0)
        result = add_crls(clients, path, err);
    return result;
}

int64_t tls_context_crl_expires(const struct tls_context *ctx)
{
    int64_t earliest = INT64_MAX;
    for (int i = 0; ctx->clients && i < sk_X509_CRL_num(ctx->clients->crls); i++) {
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(ctx->clients->crls, i));
        if (next && tls_date_seconds(next) < earliest)
            earliest = tls_date_seconds(next);
    }
    return earliest;
}

int tls_context_allow_name(struct tls_context *ctx, const char *pattern, struct error *err)
{
    struct tls_clients *clients = clients_of(ctx, err);
    if (!clients || tls_allow_check(pattern, err) < 0)
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
        return error_set(
            err, ERROR_INPUT,
            "clients are to be authenticated, but by no CA: name the bundle of theirs");
    int required = mode == TLS_CLIENT_AUTH_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | required, NULL);
    tls_verify_client_install(ctx->ssl, ctx->clients);
    return tls_ticket_scope_fix(ctx, mode, err);
}
