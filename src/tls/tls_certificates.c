/* SPDX-License-Identifier: MIT */
#include "tls_certificates.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_files.h"
#include "tls_names.h"
#include "tls_pem.h"
#include "tls_staple.h"
#include "tls_suitability.h"

#include "tlsecho/base/ascii.h"

enum { NAME_BYTES = 256 }; /* RFC 1035 §2.3.4: a name has at most 255 octets */

struct tls_certificate *tls_certificates_last(const struct tls_context *ctx)
{
    return ctx->certificate_count ? &ctx->certificates[ctx->certificate_count - 1] : NULL;
}

const struct tls_certificate *tls_certificates_used(const struct tls_context *ctx, SSL *ssl)
{
    const X509 *leaf = SSL_get_certificate(ssl);
    for (size_t i = 0; i < ctx->certificate_count; i++)
        if (ctx->certificates[i].leaf == leaf)
            return &ctx->certificates[i];
    return NULL;
}

static void certificate_done(struct tls_certificate *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    for (size_t i = 0; i < c->name_count; i++)
        free(c->names[i]);
    free(c->names);
    tls_staple_free(c->staple);
}

void tls_certificates_free(struct tls_context *ctx)
{
    for (size_t i = 0; i < ctx->certificate_count; i++)
        certificate_done(&ctx->certificates[i]);
    free(ctx->certificates);
}

/* Normalises a name for comparison: lower case, no final dot, an address as from inet_ntop(3).
 * False if it is not a valid name. */
static bool fold(const char *name, size_t length, char ret[NAME_BYTES])
{
    unsigned char address[sizeof(struct in6_addr)];
    if (length > 0 && name[length - 1] == '.')
        length--;
    if (length == 0 || length >= NAME_BYTES || memchr(name, '\0', length))
        return false;
    memcpy(ret, name, length);
    ret[length] = '\0';
    if (inet_pton(AF_INET6, ret, address) == 1) /* an IPv6 address can be written in many ways */
        inet_ntop(AF_INET6, address, ret, NAME_BYTES);
    ascii_upper((unsigned char *)ret, strlen(ret));
    return true;
}

static bool fold_general(const GENERAL_NAME *name, char ret[NAME_BYTES])
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return false;
    const void *data = ASN1_STRING_get0_data(value);
    size_t length = (size_t)ASN1_STRING_length(value);
    if (type == GEN_DNS)
        return fold(data, length, ret);

    char text[INET6_ADDRSTRLEN];
    if (length != sizeof(struct in_addr) && length != sizeof(struct in6_addr))
        return false;
    inet_ntop(length == sizeof(struct in_addr) ? AF_INET : AF_INET6, data, text, sizeof text);
    return fold(text, strlen(text), ret);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts them and removes duplicates. Returns how many are left. */
static size_t sort_names(char **names, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(names, count, sizeof(char *), compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && strcmp(names[kept - 1], names[i]) == 0)
            free(names[i]);
        else
            names[kept++] = names[i];
    }
    return kept;
}

/* From the subjectAltName; the CN is not used (RFC 9525 §2). False = no memory. */
static bool read_names(struct tls_certificate *c)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    int all_count = all ? sk_GENERAL_NAME_num(all) : 0;
    char **names = calloc((size_t)all_count + 1, sizeof(char *));
    size_t count = 0;
    bool complete = names;
    for (int i = 0; complete && i < all_count; i++) {
        char name[NAME_BYTES];
        if (!fold_general(sk_GENERAL_NAME_value(all, i), name))
            continue;
        complete = (names[count] = strdup(name));
        count += complete;
    }
    GENERAL_NAMES_free(all);
    c->names = names;
    c->name_count = sort_names(names, count);
    return complete;
}

static bool is_named(const struct tls_certificate *c, const char *name)
{
    return c->name_count > 0 &&
           bsearch(&name, c->names, c->name_count, sizeof(char *), compare) != NULL;
}

static bool have_same_names(const struct tls_certificate *a, const struct tls_certificate *b)
{
    if (a->name_count != b->name_count)
        return false;
    for (size_t i = 0; i < a->name_count; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

/* Whether clients will refuse the digest of its signature, which OpenSSL 3.5 does not check at a
 * server. The signature of a self-signed certificate is not verified. */
static bool is_signed_weakly(X509 *certificate)
{
    int bits;
    return !(X509_get_extension_flags(certificate) & EXFLAG_SS) &&
           (!X509_get_signature_info(certificate, NULL, NULL, &bits, NULL) ||
            bits < TLS_NAMES_SECURITY_BITS);
}

static bool has_weak_digest(const struct tls_certificate *c)
{
    bool weak = is_signed_weakly(c->leaf);
    for (int i = 0; i < sk_X509_num(c->chain); i++)
        weak = weak || is_signed_weakly(sk_X509_value(c->chain, i));
    return weak;
}

/* Whether OpenSSL would accept it: no key is too small, in the chain either. */
static bool is_usable(const struct tls_certificate *c)
{
    SSL_CTX *scratch = SSL_CTX_new(TLS_method());
    bool usable = scratch && tls_names_set_limits(scratch) &&
                  SSL_CTX_use_cert_and_key(scratch, c->leaf, NULL, c->chain, 1) == 1;
    SSL_CTX_free(scratch);
    return usable;
}

static bool is_hidden(const struct tls_context *ctx, const struct tls_certificate *c)
{
    for (size_t i = 0; i < ctx->certificate_count; i++)
        if (strcmp(ctx->certificates[i].key_type, c->key_type) == 0 &&
            have_same_names(&ctx->certificates[i], c))
            return true;
    return false;
}

static int prepare(const struct tls_context *ctx, struct tls_certificate *c, const char *name,
                   struct error *err)
{
    if (has_weak_digest(c))
        return error_set(err, ERROR_INPUT,
                         "%s cannot be used: a signature in its chain has a weak digest, such as "
                         "SHA-1",
                         name);
    if (!is_usable(c))
        return tls_error_set(err, ERROR_INPUT, "%s cannot be used", name);
    c->key_type = EVP_PKEY_get0_type_name(X509_get0_pubkey(c->leaf));
    if (!read_names(c))
        return error_sys(err, "read %s", name);
    if (is_hidden(ctx, c))
        return error_set(err, ERROR_INPUT,
                         "%s would never be used, as another certificate has the same names and "
                         "kind of key: remove one (one RSA and one ECDSA may share their names)",
                         name);
    return 0;
}

/* Makes room for one more, which is counted when it is complete. NULL = no memory. */
static struct tls_certificate *next_slot(struct tls_context *ctx)
{
    size_t count = ctx->certificate_count;
    struct tls_certificate *more = realloc(ctx->certificates, (count + 1) * sizeof *more);
    if (!more)
        return NULL;
    ctx->certificates = more;
    more[count] = (struct tls_certificate){0};
    return &more[count];
}

int tls_certificates_add(struct tls_context *ctx, STACK_OF(X509) * certificates, const char *name,
                         struct error *err)
{
    ERR_clear_error();
    struct tls_certificate *c = next_slot(ctx);
    if (!c)
        return error_sys(err, "add %s", name);
    c->chain = X509_chain_up_ref(certificates);
    c->leaf = c->chain ? sk_X509_shift(c->chain) : NULL;
    if (c->leaf && sk_X509_num(c->chain) == 0) { /* each SSL would have a copy */
        sk_X509_free(c->chain);
        c->chain = NULL;
    }
    int result = c->leaf ? prepare(ctx, c, name, err)
                         : error_set(err, ERROR_SYSTEM, "add %s: no memory", name);
    if (result < 0) {
        certificate_done(c);
        return -1;
    }
    ctx->certificate_count++;
    snprintf(ctx->certificate, sizeof ctx->certificate, "%s", name);
    return 0;
}

/* Gives OpenSSL all certificates for one name. They are set in reverse order, so that the first in
 * the list of each key type remains.
 */
static int offer(SSL *ssl, const struct tls_context *ctx, const char *name)
{
    SSL_certs_clear(ssl);
    for (size_t i = ctx->certificate_count; i-- > 0;) {
        const struct tls_certificate *c = &ctx->certificates[i];
        if (c->key && is_named(c, name) &&
            SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) != 1)
            return 0;
    }
    return 1;
}

static bool is_served(const struct tls_context *ctx, const char *name)
{
    for (size_t i = 0; i < ctx->certificate_count; i++)
        if (ctx->certificates[i].key && is_named(&ctx->certificates[i], name))
            return true;
    return false;
}

/* SSL_CTX_set_cert_cb(3), for full handshakes only. What is not changed here stays as in the
 * context: the first certificate and those for the same names. */
static int on_hello(SSL *ssl, void *arg)
{
    const struct tls_context *ctx = arg;
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char name[NAME_BYTES];
    if (!sni || !fold(sni, strlen(sni), name))
        return 1;
    if (is_served(ctx, name))
        return offer(ssl, ctx, name);

    char *dot = strchr(name, '.');
    if (!dot || dot == name)
        return 1;
    dot[-1] = '*'; /* RFC 9525 §6.3: a wildcard is the whole leftmost label */
    return is_served(ctx, dot - 1) ? offer(ssl, ctx, dot - 1) : 1;
}

/* SSL_CTX_set_tlsext_servername_callback(3). A name that is not acknowledged is not stored in the
 * session, and unknown when a TLS 1.2 client resumes it (RFC 6066 §3). */
static int on_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

void tls_certificates_install(struct tls_context *ctx)
{
    SSL_CTX_set_tlsext_servername_callback(ctx->ssl, on_name);
}

/* Sets the certificates of the SSL_CTX, for clients that send no server name. */
static int serve(struct tls_context *ctx, const struct tls_certificate *c)
{
    if (ctx->role == TLS_SERVER && !have_same_names(c, &ctx->certificates[0])) {
        SSL_CTX_set_cert_cb(ctx->ssl, on_hello, ctx);
        return 1;
    }
    return SSL_CTX_use_cert_and_key(ctx->ssl, c->leaf, c->key, c->chain, 1);
}

int tls_certificates_add_key(struct tls_context *ctx, EVP_PKEY *key, const char *name,
                             struct error *err)
{
    struct tls_certificate *c = tls_certificates_last(ctx);
    ERR_clear_error();
    if (!c || X509_check_private_key(c->leaf, key) != 1) {
        ERR_clear_error();
        return error_set(err, ERROR_INPUT, "%s is not the key of the certificate %s", name,
                         ctx->certificate);
    }
    EVP_PKEY_free(c->key);
    EVP_PKEY_up_ref(key);
    c->key = key;
    if (serve(ctx, c) != 1)
        return tls_error_set(err, ERROR_INPUT, "%s cannot be used", name);
    return 0;
}

int tls_context_use_certificate(struct tls_context *ctx, const char *path,
                                struct peer_certificate *ret, struct error *err)
{
    STACK_OF(X509) *certificates = NULL;
    int result = tls_pem_read_certificates(
        path, ctx->role == TLS_CLIENT ? TLS_PEM_GUARDED : TLS_PEM_PUBLIC, &certificates, err);
    if (result == 0)
        result = tls_certificates_add(ctx, certificates, path, err);
    sk_X509_pop_free(certificates, X509_free);
    if (result < 0)
        return -1;
    const struct tls_certificate *c = tls_certificates_last(ctx);
    assert(c);
    tls_certificate_describe(c->leaf, ret);
    if (ctx->role == TLS_SERVER && tls_suitability_warn(ctx, c->leaf, c->chain, path, err))
        return -1;
    return tls_files_warn(ctx, path, false, err);
}

int tls_context_use_key(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_pem pem;
    EVP_PKEY *key = NULL;
    if (tls_pem_open(path, tls_files_access(ctx), &pem, err))
        return -1;
    int result = tls_pem_key(&pem, &key, err);
    tls_pem_close(&pem);
    if (result == 0)
        result = tls_certificates_add_key(ctx, key, path, err);
    EVP_PKEY_free(key);
    return result ? -1 : tls_files_warn(ctx, path, true, err);
}
