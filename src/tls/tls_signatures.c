/* SPDX-License-Identifier: MIT */
/*
 * Whether OpenSSL's configuration (OPENSSL_CONF, SignatureAlgorithms) leaves a signature scheme for
 * a key. No function returns it; but every ClientHello contains it, and both roles have the same
 * configuration.
 */
#include "tls_signatures.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tls_context_internal.h"
#include "tls_warning.h"

enum { TLS12 = 1, TLS13 = 2, BOTH = TLS12 | TLS13 };

/* RFC 8446 §4.2.3, RFC 5246 §7.4.1.4.1. Other keys have no scheme in TLS 1.3, warn_of_key. */
static const struct use {
    const char *key; /* its type or its group */
    uint16_t scheme;
    unsigned versions;
} uses[] = {
    {"RSA", 0x0804, BOTH},        {"RSA", 0x0805, BOTH},        {"RSA", 0x0806, BOTH},
    {"RSA", 0x0401, TLS12},       {"RSA", 0x0501, TLS12},       {"RSA", 0x0601, TLS12},
    {"RSA", 0x0301, TLS12},       {"RSA", 0x0201, TLS12},       {"RSA-PSS", 0x0809, BOTH},
    {"RSA-PSS", 0x080a, BOTH},    {"RSA-PSS", 0x080b, BOTH},    {"prime256v1", 0x0403, BOTH},
    {"secp384r1", 0x0503, BOTH},  {"secp521r1", 0x0603, BOTH},  {"EC", 0x0403, TLS12},
    {"EC", 0x0503, TLS12},        {"EC", 0x0603, TLS12},        {"EC", 0x0303, TLS12},
    {"EC", 0x0203, TLS12},        {"ED25519", 0x0807, BOTH},    {"ED448", 0x0808, BOTH},
    {"ML-DSA-44", 0x0904, TLS13}, {"ML-DSA-65", 0x0905, TLS13}, {"ML-DSA-87", 0x0906, TLS13},
};

/* Of the process, like the configuration of OpenSSL. None = unknown. */
static struct {
    uint16_t schemes[256];
    size_t count;
} offered;

/* A part of a message that has not been read yet. */
struct rest {
    const unsigned char *at;
    size_t n;
};

/* 0 if it is too short. */
static size_t take_number(struct rest *r, size_t bytes)
{
    size_t number = 0;
    if (r->n < bytes)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | r->at[i];
    r->at += bytes;
    r->n -= bytes;
    return number;
}

/* Takes a vector, a length and that many bytes. */
static struct rest take_part(struct rest *r, size_t length_bytes)
{
    size_t n = take_number(r, length_bytes);
    struct rest part = {r->at, n < r->n ? n : r->n};
    r->at += part.n;
    r->n -= part.n;
    return part;
}

/* RFC 8446 §4.1.2. */
static void on_message(int sent, int version, int type, const void *data, size_t n, SSL *ssl,
                       void *unused)
{
    enum { HEADER = 4, VERSION = 2, RANDOM = 32, SIGNATURE_ALGORITHMS = 13 };
    (void)version, (void)ssl, (void)unused;
    const unsigned char *bytes = data;
    if (!sent || type != SSL3_RT_HANDSHAKE || n < HEADER + VERSION + RANDOM ||
        bytes[0] != SSL3_MT_CLIENT_HELLO)
        return;
    struct rest hello = {bytes + HEADER + VERSION + RANDOM, n - HEADER - VERSION - RANDOM};
    take_part(&hello, 1); /* session */
    take_part(&hello, 2); /* cipher suites */
    take_part(&hello, 1); /* compression */
    for (struct rest all = take_part(&hello, 2); all.n > 0;) {
        size_t kind = take_number(&all, 2);
        struct rest extension = take_part(&all, 2);
        if (kind != SIGNATURE_ALGORITHMS)
            continue;
        struct rest list = take_part(&extension, 2);
        while (list.n > 1 && offered.count < sizeof offered.schemes / sizeof *offered.schemes)
            offered.schemes[offered.count++] = (uint16_t)take_number(&list, 2);
    }
}

static void read_client_hello(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    BIO *wire = BIO_new(BIO_s_mem());
    if (ssl && wire) {
        BIO_up_ref(wire);
        SSL_set_bio(ssl, wire, wire);
        SSL_set_msg_callback(ssl, on_message);
        SSL_connect(ssl);
    }
    BIO_free(wire);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

/* Once; again if memory was short. */
static void read_offered(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    if (offered.count == 0)
        read_client_hello();
    pthread_mutex_unlock(&mutex);
}

static bool is_offered(uint16_t scheme)
{
    for (size_t i = 0; i < offered.count; i++)
        if (offered.schemes[i] == scheme)
            return true;
    return false;
}

/* The versions in which a key has a scheme, and those in which one is left. */
struct schemes {
    unsigned known, left;
};

static struct schemes schemes_of(EVP_PKEY *key, const char *type)
{
    struct schemes ret = {.known = 0};
    char group[80] = "";
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL);
    ERR_clear_error();
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (strcmp(uses[i].key, type) != 0 && strcmp(uses[i].key, group) != 0)
            continue;
        ret.known |= uses[i].versions;
        if (is_offered(uses[i].scheme))
            ret.left |= uses[i].versions;
    }
    return ret;
}

static unsigned versions_of(const struct tls_context *ctx)
{
    if (ctx->dtls)
        return TLS12;
    long lowest = SSL_CTX_get_min_proto_version(ctx->ssl);
    long highest = SSL_CTX_get_max_proto_version(ctx->ssl); /* 0 = the highest supported */
    return (lowest < TLS1_3_VERSION ? TLS12 : 0) |
           (highest == 0 || highest >= TLS1_3_VERSION ? TLS13 : 0);
}

int tls_signatures_warn(struct tls_context *ctx, X509 *leaf, const char *path, struct error *err)
{
    read_offered();
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    const char *type = EVP_PKEY_get0_type_name(key);
    struct schemes schemes = schemes_of(key, type ? type : "");
    unsigned known = schemes.known & versions_of(ctx), left = schemes.left & known;
    if (offered.count == 0 || (known & TLS13 ? left & TLS13 : left == known))
        return 0;
    return tls_warning_add(
        ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
        "the configuration of OpenSSL (OPENSSL_CONF) leaves no signature scheme "
        "for its key (%s), and %s: add one to SignatureAlgorithms there, or use "
        "a certificate with another kind of key",
        type, left ? "clients that use TLS 1.3 are refused" : "every handshake with it fails");
}
