/* SPDX-License-Identifier: MIT */
#include "tls_client_auth.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/sha.h>
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

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool digest_der(EVP_MD_CTX *md, unsigned char *der, int n)
{
    bool done = n > 0 && EVP_DigestUpdate(md, der, (size_t)n);
    OPENSSL_free(der);
    return done;
}

/* Each part in front of its own count, so that no two settings give the same bytes. */
static bool digest_settings(EVP_MD_CTX *md, enum tls_client_auth mode, struct tls_clients *clients)
{
    const uint32_t counts[] = {mode, (uint32_t)sk_X509_num(clients->cas),
                               clients->crls ? (uint32_t)sk_X509_CRL_num(clients->crls) : 0,
                               (uint32_t)clients->allow_count};
    bool done = EVP_DigestUpdate(md, counts, sizeof counts);
    for (int i = 0; done && i < sk_X509_num(clients->cas); i++) {
        unsigned char *der = NULL;
        int n = i2d_X509(sk_X509_value(clients->cas, i), &der);
        done = digest_der(md, der, n);
    }
    for (int i = 0; done && i < sk_X509_CRL_num(clients->crls); i++) {
        unsigned char *der = NULL;
        int n = i2d_X509_CRL(sk_X509_CRL_value(clients->crls, i), &der);
        done = digest_der(md, der, n);
    }
    for (size_t i = 0; done && i < clients->allow_count; i++)
        done = EVP_DigestUpdate(md, clients->allow[i], strlen(clients->allow[i]) + 1);
    return done;
}

/*
 * A ticket is good only where it was earned: OpenSSL resumes no session of another session id
 * context, so all that decides who may connect goes into it.
 */
static int tie_tickets(struct tls_context *ctx, enum tls_client_auth mode, struct error *err)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct tls_clients *clients = ctx->clients;
    if (clients->allow_count)
        qsort(clients->allow, clients->allow_count, sizeof *clients->allow, compare_texts);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
                digest_settings(md, mode, clients) && EVP_DigestFinal_ex(md, digest, NULL) &&
                SSL_CTX_set_session_id_context(ctx->ssl, digest, sizeof digest);
    EVP_MD_CTX_free(md);
    return done ? 0 : tls_error_set(err, ERROR_SYSTEM, "tie tickets to a TLS context");
}

int tls_context_set_client_auth(struct tls_context *ctx, enum tls_client_auth mode,
                                struct error *err)
{
    if (mode == TLS_CLIENT_AUTH_OFF)
        return 0;
    if (!ctx->clients || !ctx->clients->cas)
        return error_set(
            err, ERROR_INPUT,
            "clients are to be authenticated, but by no CA: name the bundle of theirs");
    int required = mode == TLS_CLIENT_AUTH_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | required, NULL);
    tls_verify_client_install(ctx->ssl, ctx->clients);
    return tie_tickets(ctx, mode, err);
}
