/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_certificates.h"
#include "tls_clients.h"
#include "tls_context_internal.h"
#include "tls_pem.h"

const char *tls_key_files_name(size_t key_files)
{
    static const char *const names[] = {
        [TLS_KEY_FILES_STRICT] = "strict", [TLS_KEY_FILES_ANY] = "any"};
    return key_files < sizeof names / sizeof *names ? names[key_files] : NULL;
}

const char *tls_client_auth_name(size_t client_auth)
{
    static const char *const names[] = {[TLS_CLIENT_AUTH_OFF] = "off",
                                        [TLS_CLIENT_AUTH_OPTIONAL] = "optional",
                                        [TLS_CLIENT_AUTH_REQUIRED] = "required"};
    return client_auth < sizeof names / sizeof *names ? names[client_auth] : NULL;
}

static bool set_defaults(struct tls_context *ctx)
{
    SSL_CTX *ssl = ctx->ssl;
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets hold the sessions */
    tls_screen_limit(ssl, ctx->role);
    if (ctx->role == TLS_CLIENT)
        tls_verify_install(ctx);
    else if (!tls_tickets_install(ctx) || !tls_ticket_scope_install(ctx))
        return false;
    if (ctx->role == TLS_SERVER)
        tls_certificates_install(ctx);
    return tls_policy_set_defaults(ssl) && SSL_CTX_set_num_tickets(ssl, 1);
}

int tls_context_new(enum tls_role role, struct tls_context **ret, struct error *err)
{
    struct tls_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return error_sys(err, "make a TLS context");
    ctx->role = role;
    ctx->keylog_fd = -1;
    atomic_init(&ctx->count, 1);
    ERR_clear_error();
    ctx->ssl = SSL_CTX_new(role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    if (!ctx->ssl || !set_defaults(ctx)) {
        tls_error_set(err, ERROR_SYSTEM, "make a TLS context");
        tls_context_free(ctx);
        return -1;
    }
    *ret = ctx;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *ctx)
{
    atomic_fetch_add(&ctx->count, 1);
    return ctx;
}

void tls_context_free(struct tls_context *ctx)
{
    if (!ctx || atomic_fetch_sub(&ctx->count, 1) > 1)
        return;
    SSL_CTX_free(ctx->ssl);
    EVP_MD_free(ctx->sha256);
    tls_session_file_free(ctx->session_file);
    tls_session_memory_free(ctx->session_memory);
    tls_certificates_free(ctx);
    tls_keylog_close(ctx);
    free(ctx->alpn);
    tls_clients_free(ctx->clients);
    tls_tickets_free(ctx);
    tls_warnings_free(ctx);
    tls_dated_free(ctx);
    free(ctx);
}

static int parse_version(const char *text, int *ret, struct error *err)
{
    if (strcmp(text, "1.2") == 0)
        *ret = TLS1_2_VERSION;
    else if (strcmp(text, "1.3") == 0)
        *ret = TLS1_3_VERSION;
    else
        return error_set(err, ERROR_INPUT, "\"%.20s\" is not a TLS version: write 1.2 or 1.3",
                         text);
    return 0;
}

int tls_context_set_versions(struct tls_context *ctx, const char *min, const char *max,
                             struct error *err)
{
    int lowest = (int)SSL_CTX_get_min_proto_version(ctx->ssl);
    int highest = (int)SSL_CTX_get_max_proto_version(ctx->ssl);
    if (min && parse_version(min, &lowest, err))
        return -1;
    if (max && parse_version(max, &highest, err))
        return -1;
    if (lowest > highest)
        return error_set(err, ERROR_INPUT,
                         "the minimum TLS version is above the maximum: swap them");
    SSL_CTX_set_min_proto_version(ctx->ssl, lowest);
    SSL_CTX_set_max_proto_version(ctx->ssl, highest);
    return 0;
}

static int trust_file(struct tls_context *ctx, const char *path, struct error *err)
{
    STACK_OF(X509) *certificates = NULL;
    int result = tls_pem_read_certificates(path, TLS_PEM_GUARDED, &certificates, err);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl);
    for (int i = 0; result == 0 && i < sk_X509_num(certificates); i++)
        if (!X509_STORE_add_cert(store, sk_X509_value(certificates, i)))
            result = tls_error_set(err, ERROR_INPUT, "%s cannot be used", path);
    sk_X509_pop_free(certificates, X509_free);
    return result;
}

/* The files that the environment names must exist, or every certificate would be untrusted. */
static int trust_system(struct tls_context *ctx, struct error *err)
{
    const char *file = secure_getenv(X509_get_default_cert_file_env());
    const char *folder = secure_getenv(X509_get_default_cert_dir_env());
    ERR_clear_error();
    if (file && *file && SSL_CTX_load_verify_file(ctx->ssl, file) != 1)
        return tls_error_set(err, ERROR_INPUT, "SSL_CERT_FILE: read certificates from %s", file);
    if (folder && *folder && access(folder, R_OK | X_OK) && !strchr(folder, ':')) {
        error_sys(err, "SSL_CERT_DIR: read %s", folder);
        err->kind = ERROR_INPUT;
        return -1;
    }
    if (SSL_CTX_set_default_verify_paths(ctx->ssl) != 1)
        return tls_error_set(err, ERROR_INPUT, "read the system's trusted certificates");
    ERR_clear_error();
    return 0;
}

int tls_context_trust(struct tls_context *ctx, const char *path, struct error *err)
{
    ctx->trust = TLS_TRUST_CHAIN;
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return path ? trust_file(ctx, path, err) : trust_system(ctx, err);
}

/* The digits without colons, or false. */
static bool parse_pin(const char *text, unsigned char ret[TLS_PIN_BYTES])
{
    int digits = 0;
    for (const char *c = text; *c; c++) {
        int value = OPENSSL_hexchar2int((unsigned char)*c);
        if (*c == ':' && digits > 0 && digits % 2 == 0)
            continue;
        if (value < 0 || digits == 2 * TLS_PIN_BYTES)
            return false;
        ret[digits / 2] = (unsigned char)(ret[digits / 2] << 4 | value);
        digits++;
    }
    return digits == 2 * TLS_PIN_BYTES;
}

int tls_context_pin(struct tls_context *ctx, const char *sha256, struct error *err)
{
    unsigned char pin[TLS_PIN_BYTES] = {0};
    if (!parse_pin(sha256, pin))
        return error_set(err, ERROR_INPUT,
                         "\"%.100s\" is not a pin: write the 64 hex digits of the certificate's "
                         "SHA-256, as the server logs it",
                         sha256);
    memcpy(ctx->pin, pin, sizeof pin);
    ctx->trust = TLS_TRUST_PIN;
    return 0;
}

void tls_context_trust_any(struct tls_context *ctx)
{
    ctx->trust = TLS_TRUST_ANY;
}

void tls_context_limit_client_hello(struct tls_context *ctx, size_t max_bytes)
{
    ctx->client_hello_max_bytes = max_bytes;
}

const char *tls_version_built(void)
{
    return OPENSSL_VERSION_TEXT;
}

const char *tls_version_running(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}
