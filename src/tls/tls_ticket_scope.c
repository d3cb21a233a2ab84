/* SPDX-License-Identifier: MIT */
/* The scope of a server's tickets: they are valid only where the handshake would have succeeded. */
#include "tls_ticket_scope.h"

#include <endian.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_certificates.h"
#include "tls_clients.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_screen.h"

#include "tlsecho/base/ascii.h"

/* The extension of RFC 6066 §3: a list of one name. */
enum { LIST_HEADER_BYTES = 2, NAME_HEADER_BYTES = 3, NAME_BYTES_MAX = 255 };

static bool add_count(EVP_MD_CTX *md, int count)
{
    uint32_t value = htobe32(count > 0 ? (uint32_t)count : 0); /* clusters may be mixed */
    return EVP_DigestUpdate(md, &value, sizeof value);
}

/* n: what i2d_X509 and its like return. */
static bool add_der(EVP_MD_CTX *md, unsigned char *der, int n)
{
    bool added = der && EVP_DigestUpdate(md, der, (size_t)n);
    OPENSSL_free(der);
    return added;
}

static bool add_cas(EVP_MD_CTX *md, STACK_OF(X509) * cas)
{
    if (!add_count(md, sk_X509_num(cas)))
        return false;
    for (int i = 0; i < sk_X509_num(cas); i++) {
        unsigned char *der = NULL;
        int n = i2d_X509(sk_X509_value(cas, i), &der);
        if (!add_der(md, der, n))
            return false;
    }
    return true;
}

static bool add_crls(EVP_MD_CTX *md, STACK_OF(X509_CRL) * crls)
{
    if (!add_count(md, sk_X509_CRL_num(crls)))
        return false;
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        unsigned char *der = NULL;
        int n = i2d_X509_CRL(sk_X509_CRL_value(crls, i), &der);
        if (!add_der(md, der, n))
            return false;
    }
    return true;
}

static int compare(const char *const *a, const char *const *b)
{
    return strcmp(*a, *b);
}

static void free_text(char *text)
{
    OPENSSL_free(text);
}

/* A copy. False: no memory. */
static bool put(STACK_OF(OPENSSL_STRING) * list, const char *text)
{
    char *copy = OPENSSL_strdup(text);
    if (copy && sk_OPENSSL_STRING_push(list, copy) > 0)
        return true;
    free_text(copy);
    return false;
}

/* The patterns of names that clients may have. */
static bool put_allowed(STACK_OF(OPENSSL_STRING) * list, const struct tls_context *ctx)
{
    const struct tls_clients *clients = ctx->clients;
    for (size_t i = 0; clients && i < clients->allow_count; i++)
        if (!put(list, clients->allow[i]))
            return false;
    return true;
}

/* The subjectAltNames of a certificate, else its subject, each ended by a NUL, and an empty one at
 * the end. Free with OPENSSL_free; NULL = no memory. */
static char *names_of(X509 *leaf)
{
    char *names = tls_certificate_all_names(leaf);
    if (names && *names == '\0') {
        OPENSSL_free(names);
        if ((names = OPENSSL_zalloc(PEER_NAME_BYTES + 1)))
            tls_certificate_name(X509_get_subject_name(leaf), names, PEER_NAME_BYTES);
    }
    return names;
}

static bool put_names_of(STACK_OF(OPENSSL_STRING) * list, X509 *leaf)
{
    static const char dns[] = "DNS:";
    char *names = names_of(leaf);
    bool whole = names;
    for (char *name = names; whole && *name; name += strlen(name) + 1) {
        if (strncmp(name, dns, sizeof dns - 1) == 0)
            ascii_lower((unsigned char *)name, strlen(name));
        whole = put(list, name);
    }
    OPENSSL_free(names);
    return whole;
}

/* Those of the server's own certificates. */
static bool put_names(STACK_OF(OPENSSL_STRING) * list, const struct tls_context *ctx)
{
    for (size_t i = 0; i < ctx->certificate_count; i++)
        if (!put_names_of(list, ctx->certificates[i].leaf))
            return false;
    return true;
}

/* As a set: sorted, without duplicates, each text with its NUL. */
static bool add_set(EVP_MD_CTX *md, STACK_OF(OPENSSL_STRING) * list)
{
    const char *last = "";
    sk_OPENSSL_STRING_sort(list);
    for (int i = 0; i < sk_OPENSSL_STRING_num(list); i++) {
        const char *text = sk_OPENSSL_STRING_value(list, i);
        if (strcmp(last, text) != 0 && !EVP_DigestUpdate(md, text, strlen(text) + 1))
            return false;
        last = text;
    }
    return EVP_DigestUpdate(md, "", 1);
}

static bool add_texts(EVP_MD_CTX *md,
                      bool (*put_all)(STACK_OF(OPENSSL_STRING) *, const struct tls_context *),
                      const struct tls_context *ctx)
{
    STACK_OF(OPENSSL_STRING) *list = sk_OPENSSL_STRING_new(compare);
    bool added = put_all(list, ctx) && add_set(md, list);
    sk_OPENSSL_STRING_pop_free(list, free_text);
    return added;
}

/* Each part includes its length, so that different profiles never give the same bytes. */
static bool digest_profile(struct tls_context *ctx, enum tls_client_auth mode, EVP_MD_CTX *md)
{
    struct tls_clients *clients = ctx->clients;
    unsigned n = 0;
    return md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) && add_count(md, (int)mode) &&
           add_cas(md, clients ? clients->cas : NULL) &&
           add_crls(md, clients ? clients->crls : NULL) && add_texts(md, put_allowed, ctx) &&
           add_texts(md, put_names, ctx) && EVP_DigestFinal_ex(md, ctx->ticket_scope, &n);
}

int tls_ticket_scope_fix(struct tls_context *ctx, enum tls_client_auth mode, struct error *err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool done = digest_profile(ctx, mode, md);
    EVP_MD_CTX_free(md);
    return done ? 0 : tls_error_set(err, ERROR_SYSTEM, "tie tickets to a TLS context");
}

/* The server name that a client requests, in lower case, and its length; 0 = none, or not valid for
 * OpenSSL. */
static size_t asked_name(SSL *ssl, unsigned char ret[NAME_BYTES_MAX])
{
    const unsigned char *list;
    size_t n;
    if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &n))
        return 0;
    size_t length = n - LIST_HEADER_BYTES - NAME_HEADER_BYTES; /* of a part of it: a huge one */
    if (length > NAME_BYTES_MAX)
        return 0;
    memcpy(ret, list + LIST_HEADER_BYTES + NAME_HEADER_BYTES, length);
    ascii_lower(ret, length);
    return length;
}

static bool has_sane_key_shares(SSL *ssl)
{
    const unsigned char *data;
    size_t n;
    return !SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_key_share, &data, &n) ||
           tls_screen_key_shares(data, n);
}

/* SSL_CTX_set_client_hello_cb(3): before a ticket is decrypted; OpenSSL does not resume a session
 * of another session id context. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
    if (!has_sane_key_shares(ssl)) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return SSL_CLIENT_HELLO_ERROR;
    }
    const struct tls_context *ctx = arg;
    unsigned char digest[EVP_MAX_MD_SIZE], scope[TLS_TICKET_SCOPE_BYTES + NAME_BYTES_MAX];
    memcpy(scope, ctx->ticket_scope, TLS_TICKET_SCOPE_BYTES);
    size_t n = TLS_TICKET_SCOPE_BYTES + asked_name(ssl, scope + TLS_TICKET_SCOPE_BYTES);
    if (EVP_Digest(scope, n, digest, NULL, ctx->sha256, NULL) == 1 &&
        SSL_set_session_id_context(ssl, digest, TLS_TICKET_SCOPE_BYTES) == 1)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

bool tls_ticket_scope_install(struct tls_context *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx->ssl, on_client_hello, ctx);
    ctx->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return ctx->sha256 && RAND_bytes(ctx->ticket_scope, sizeof ctx->ticket_scope) == 1;
}
