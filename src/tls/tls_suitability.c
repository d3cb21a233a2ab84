/* SPDX-License-Identifier: MIT */
#include "tls_suitability.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_dated.h"
#include "tls_signatures.h"
#include "tls_warning.h"

/* The limit of a client with OpenSSL for the Certificate message: SSL_CTX_set_max_cert_list(3). */
enum { CHAIN_BYTES_MAX = 100 * 1024, CHAIN_ENTRY_BYTES = 3 };

/* RFC 8446 §4.2.3, the ones with named groups. */
static bool is_group_of_tls13(EVP_PKEY *key, char *ret, size_t size)
{
    static const char *const groups[] = {"prime256v1", "secp384r1", "secp521r1"};
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, ret, size, NULL) != 1)
        snprintf(ret, size, "an unnamed curve");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(ret, groups[i]) == 0)
            return true;
    return false;
}

static bool is_key_of_tls13(EVP_PKEY *key, char *ret, size_t size)
{
    static const char *const types[] = {"RSA", "RSA-PSS", "ED25519", "ED448"};
    if (EVP_PKEY_is_a(key, "EC"))
        return is_group_of_tls13(key, ret, size);
    const char *type = EVP_PKEY_get0_type_name(key);
    snprintf(ret, size, "%s", type ? type : "unknown");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (EVP_PKEY_is_a(key, types[i]))
            return true;
    return strncmp(ret, "ML-DSA-", sizeof "ML-DSA-" - 1) == 0; /* since OpenSSL 3.5 */
}

static bool has_explicit_curve(EVP_PKEY *key)
{
    int is_explicit = 0;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &is_explicit) == 1 &&
           is_explicit;
}

static bool is_for_servers(X509 *leaf)
{
    return !(X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) ||
           X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_SGC);
}

static size_t chain_bytes(X509 *leaf, STACK_OF(X509) * chain)
{
    size_t bytes = CHAIN_ENTRY_BYTES + (size_t)i2d_X509(leaf, NULL);
    for (int i = 0; i < sk_X509_num(chain); i++)
        bytes += CHAIN_ENTRY_BYTES + (size_t)i2d_X509(sk_X509_value(chain, i), NULL);
    return bytes;
}

static bool is_issuer_sent(X509 *leaf, STACK_OF(X509) * chain)
{
    if (X509_get_extension_flags(leaf) & EXFLAG_SI)
        return true;
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (X509_check_issued(sk_X509_value(chain, i), leaf) == X509_V_OK)
            return true;
    return false;
}

/* Their dates are checked daily, like those of the leaf. */
static int add_issuers(struct tls_context *ctx, STACK_OF(X509) * chain, const char *path,
                       struct error *err)
{
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (tls_dated_add(ctx, TLS_DATED_ISSUER, path, sk_X509_value(chain, i), err))
            return -1;
    return 0;
}

static int warn_of_chain(struct tls_context *ctx, X509 *leaf, STACK_OF(X509) * chain,
                         const char *path, struct error *err)
{
    size_t bytes = chain_bytes(leaf, chain);
    char issuer[PEER_NAME_BYTES];
    if (bytes > CHAIN_BYTES_MAX &&
        tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                        "with its chain it has %zu bytes, and many clients take no more than 100 "
                        "KiB: remove what is not part of its chain",
                        bytes))
        return -1;
    if (is_issuer_sent(leaf, chain))
        return 0;
    tls_certificate_name(X509_get_issuer_name(leaf), issuer, sizeof issuer);
    return tls_warning_add(ctx, (struct tls_warning_topic){"certificate_chain_incomplete", path},
                           err,
                           "its issuer \"%.120s\" is not in the file: append the intermediate "
                           "certificates, unless that is a root that all clients have",
                           issuer);
}

static int warn_of_key(struct tls_context *ctx, X509 *leaf, const char *path, struct error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    char kind[80];
    if (has_explicit_curve(key))
        return tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                               "its key has explicit curve parameters, which clients refuse (RFC "
                               "5480 §2.1.1): reissue it with a named curve");
    if (is_key_of_tls13(key, kind, sizeof kind))
        return 0;
    return tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                           "TLS 1.3 has no signature for its key (%s, RFC 8446 §4.2.3), and hardly "
                           "any client can use it: reissue it with P-256, P-384 or RSA",
                           kind);
}

int tls_suitability_warn(struct tls_context *ctx, X509 *leaf, STACK_OF(X509) * chain,
                         const char *path, struct error *err)
{
    if (warn_of_key(ctx, leaf, path, err) || tls_signatures_warn(ctx, leaf, path, err))
        return -1;
    if (!is_for_servers(leaf) &&
        tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                        "its extendedKeyUsage lacks serverAuth, and clients refuse it: reissue it "
                        "for servers"))
        return -1;
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) &&
        tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                        "its keyUsage lacks digitalSignature, and many clients refuse it: reissue "
                        "it with digitalSignature"))
        return -1;
    if (X509_get_extension_flags(leaf) & EXFLAG_CRITICAL &&
        tls_warning_add(
            ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
            "it has an unknown critical extension, and clients refuse it: reissue it without"))
        return -1;
    if (X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) < 0 &&
        tls_warning_add(ctx, (struct tls_warning_topic){"certificate_unsuitable", path}, err,
                        "it has no subjectAltName, and clients refuse it whatever its subject is: "
                        "reissue it with the names of this server"))
        return -1;
    if (add_issuers(ctx, chain, path, err))
        return -1;
    return warn_of_chain(ctx, leaf, chain, path, err);
}
