/* SPDX-License-Identifier: MIT */
/* What a context offers and accepts: ciphers, suites, groups, ALPN; and what the library supports.
 */
#include "tls_policy.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_names.h"

enum { ALPN_NAME_BYTES = 255, ALPN_BYTES = 65535 }; /* RFC 7301 §3.1 */

/* RFC 9325 §4.2: ECDHE and AEAD only. AES-128 first: it is the fastest where the CPU has AES. */
static const char default_ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char default_suites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* The first list is for libraries with X25519MLKEM768 (3.5 and later). A client sends key shares
 * for both groups with a star: the second saves a round trip with an older server. */
static const char default_groups_hybrid[] = "*X25519MLKEM768:*X25519:P-256:P-384";
static const char default_groups[] = "X25519:P-256:P-384";

static bool set_default_groups(SSL_CTX *ssl)
{
    if (SSL_CTX_set1_groups_list(ssl, default_groups_hybrid))
        return true;
    ERR_clear_error();
    return SSL_CTX_set1_groups_list(ssl, default_groups);
}

bool tls_policy_set_defaults(SSL_CTX *ssl)
{
    /* A client that prefers ChaCha20 has no AES in its CPU: follow its preference. */
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_dh_auto(ssl, 1); /* for configured DHE ciphers */
    return tls_names_set_limits(ssl) && SSL_CTX_set_cipher_list(ssl, default_ciphers) &&
           SSL_CTX_set_ciphersuites(ssl, default_suites) && set_default_groups(ssl);
}

static int set_groups_list(SSL_CTX *ssl, const char *list)
{
    return SSL_CTX_set1_groups_list(ssl, list) == 1;
}

static int set_list(struct tls_context *ctx, enum tls_names kind, const char *list,
                    int (*set)(SSL_CTX *, const char *), struct error *err)
{
    char *text;
    if (*list == '\0')
        return 0;
    if (tls_names_translate(kind, list, &text, err) < 0)
        return -1;
    int result = 0;
    if (set(ctx->ssl, text) != 1)
        result = tls_error_set(err, ERROR_INPUT, "\"%.300s\" cannot be used", list);
    free(text);
    return result;
}

int tls_context_set_ciphers(struct tls_context *ctx, const char *list, struct error *err)
{
    return set_list(ctx, TLS_NAMES_CIPHERS, list, SSL_CTX_set_cipher_list, err);
}

int tls_context_set_ciphersuites(struct tls_context *ctx, const char *list, struct error *err)
{
    return set_list(ctx, TLS_NAMES_SUITES, list, SSL_CTX_set_ciphersuites, err);
}

int tls_context_set_groups(struct tls_context *ctx, const char *list, struct error *err)
{
    return set_list(ctx, TLS_NAMES_GROUPS, list, set_groups_list, err);
}

void tls_policy_offer_only(SSL *ssl, const char *const **list)
{
    SSL_set_app_data(ssl, list);
}

/* RFC 7301 §3.1: ProtocolNameList */
struct alpn_list {
    const unsigned char *names;
    unsigned n;
};

/* Where it is in the list, behind its length; NULL = it is not. */
static const unsigned char *find_alpn(const char *protocol, struct alpn_list list)
{
    size_t n = strlen(protocol);
    for (unsigned at = 0; at < list.n; at += 1U + list.names[at])
        if (list.names[at] == n && memcmp(list.names + at + 1, protocol, n) == 0)
            return list.names + at + 1;
    return NULL;
}

/* SSL_TLSEXT_ERR_OK, with the first of ours that the client offers. */
static int select_only(const char *const *ours, struct alpn_list theirs, const unsigned char **ret,
                       unsigned char *ret_n)
{
    for (; *ours; ours++) {
        const unsigned char *found = find_alpn(*ours, theirs);
        if (!found)
            continue;
        *ret = found;
        *ret_n = found[-1];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* SSL_CTX_set_alpn_select_cb(3): the first of our protocols that the client offers. */
static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                   const unsigned char *theirs, unsigned theirs_n, void *arg)
{
    const struct tls_context *ctx = arg;
    const char *const *const *only = SSL_get_app_data(ssl);
    unsigned char *chosen;
    if (only && *only)
        return select_only(*only, (struct alpn_list){theirs, theirs_n}, ret, ret_n);
    if (ctx->alpn_n == 0)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, ret_n, ctx->alpn, (unsigned)ctx->alpn_n, theirs, theirs_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 §3.2: no_application_protocol */
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void tls_policy_answer_alpn(struct tls_context *ctx)
{
    SSL_CTX_set_alpn_select_cb(ctx->ssl, on_alpn, ctx);
}

/* Their size as a ProtocolNameList. */
static int measure_alpn(const char *const *protocols, size_t count, size_t *ret, struct error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(protocols[i]);
        if (length == 0 || length > ALPN_NAME_BYTES)
            return error_set(err, ERROR_INPUT,
                             "an ALPN protocol has 1 to 255 bytes, \"%.40s\" has %zu", protocols[i],
                             length);
        n += 1 + length;
    }
    if (n > ALPN_BYTES)
        return error_set(err, ERROR_INPUT, "the ALPN protocols are too long in total: name fewer");
    *ret = n;
    return 0;
}

int tls_context_set_alpn(struct tls_context *ctx, const char *const *protocols, size_t count,
                         struct error *err)
{
    size_t n = 0, used = 0;
    if (measure_alpn(protocols, count, &n, err) < 0)
        return -1;
    unsigned char *list = malloc(n + 1);
    if (!list)
        return error_sys(err, "set ALPN");
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(protocols[i]);
        list[used++] = (unsigned char)length;
        memcpy(list + used, protocols[i], length);
        used += length;
    }
    free(ctx->alpn);
    ctx->alpn = list;
    ctx->alpn_n = n;

    if (ctx->role == TLS_CLIENT &&
        SSL_CTX_set_alpn_protos(ctx->ssl, list, (unsigned)n)) /* 0 = done */
        return tls_error_set(err, ERROR_SYSTEM, "set ALPN");
    return 0;
}

bool tls_has_group(const char *name)
{
    struct error ignored;
    char *text = NULL;
    bool has = tls_names_translate(TLS_NAMES_GROUPS, name, &text, &ignored) == 0;
    free(text);
    return has;
}

static char features[600];
static CRYPTO_ONCE features_once = CRYPTO_ONCE_STATIC_INIT;

static void describe_features(void)
{
    char groups[TLS_NAMES_TEXT_BYTES], suites[TLS_NAMES_TEXT_BYTES];
    tls_names_list(TLS_NAMES_GROUPS, groups);
    tls_names_list(TLS_NAMES_SUITES, suites);
    snprintf(features, sizeof features, "X25519MLKEM768: %s; groups: %s; TLS 1.3 suites: %s",
             tls_has_group("X25519MLKEM768") ? "yes" : "no", groups, suites);
}

const char *tls_features(void)
{
    CRYPTO_THREAD_run_once(&features_once, describe_features);
    return features;
}
