/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_context_internal.h"
#include "tls_error.h"
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

struct tls_context *tls_context_ref(struct tls_context *ctx)
{
    atomic_fetch_add(&ctx->count, 1);
    return ctx;
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

/* DTLS 1.3 is not in the library. */
static int check_dtls_versions(const char *min, const char *max, struct error *err)
{
    int version;
    if ((min && parse_version(min, &version, err)) || (max && parse_version(max, &version, err)))
        return -1;
    if (min && strcmp(min, "1.3") == 0)
        return error_set(err, ERROR_INPUT,
                         "the minimum TLS version is 1.3, and DTLS has only 1.2: set it to 1.2");
    return 0;
}

int tls_context_set_versions(struct tls_context *ctx, const char *min, const char *max,
                             struct error *err)
{
    if (ctx->dtls)
        return check_dtls_versions(min, max, err);
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
