/* SPDX-License-Identifier: MIT */
#include "pki.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "rsa_keys.h"

static const long day = 24L * 3600;

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_msg(extension != NULL, "%s", value);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void set_text(EVP_PKEY *key, const char *name, const char *value)
{
    ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(key, name, value), 1);
}

static EVP_PKEY *make_key(const struct pki_spec *spec)
{
    if (spec->key_of)
        return EVP_PKEY_up_ref(spec->key_of->key) ? spec->key_of->key : NULL;
    if (spec->rsa)
        return rsa_keys_take(spec->rsa_bits ? spec->rsa_bits : 2048u);
    EVP_PKEY *key = EVP_EC_gen(spec->curve ? spec->curve : "P-256");
    if (spec->explicit_curve)
        set_text(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT);
    if (spec->compressed_point)
        set_text(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                 OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED);
    return key;
}

struct pki pki_make(const struct pki_spec *spec)
{
    static long serial;
    struct pki pki = {.certificate = X509_new()};
    pki.key = make_key(spec);
    ck_assert_ptr_nonnull(pki.key);
    X509 *issuer = spec->issuer ? spec->issuer->certificate : pki.certificate;
    bool usual = spec->starts_days == 0 && spec->ends_days == 0;

    X509_set_version(pki.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(pki.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(pki.certificate), (usual ? -1 : spec->starts_days) * day);
    X509_gmtime_adj(X509_getm_notAfter(pki.certificate), (usual ? 365 : spec->ends_days) * day);
    X509_NAME *name = X509_get_subject_name(pki.certificate);
    ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)spec->subject,
                                                (int)strlen(spec->subject), -1, 0),
                     1);
    X509_set_issuer_name(pki.certificate, X509_get_subject_name(issuer));
    X509_set_pubkey(pki.certificate, pki.key);
    extend(pki.certificate, issuer, NID_basic_constraints,
           spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (spec->names)
        extend(pki.certificate, issuer, NID_subject_alt_name, spec->names);
    if (spec->usage)
        extend(pki.certificate, issuer, NID_ext_key_usage, spec->usage);
    if (spec->key_ids)
        extend(pki.certificate, issuer, NID_subject_key_identifier, "hash");
    if (spec->key_ids && spec->issuer)
        extend(pki.certificate, issuer, NID_authority_key_identifier, "keyid:always");
    if (spec->key_usage)
        extend(pki.certificate, issuer, NID_key_usage, spec->key_usage);
    ck_assert_int_ne(
        X509_sign(pki.certificate, spec->issuer ? spec->issuer->key : pki.key, EVP_sha256()), 0);
    return pki;
}

void pki_free(struct pki *pki)
{
    X509_free(pki->certificate);
    EVP_PKEY_free(pki->key);
}

static FILE *create(struct folder *folder, const char *name)
{
    FILE *file = fopen(folder_write(folder, name, "", 0), "w");
    ck_assert_ptr_nonnull(file);
    return file;
}

const char *pki_write_chain(struct folder *folder, const char *name, const struct pki *leaf,
                            const struct pki *issuer)
{
    FILE *file = create(folder, name);
    ck_assert_int_eq(PEM_write_X509(file, leaf->certificate), 1);
    if (issuer)
        ck_assert_int_eq(PEM_write_X509(file, issuer->certificate), 1);
    ck_assert_int_eq(fclose(file), 0);
    return folder->file;
}

const char *pki_write_certificate(struct folder *folder, const char *name, const struct pki *pki)
{
    return pki_write_chain(folder, name, pki, NULL);
}

const char *pki_write_key(struct folder *folder, const char *name, const struct pki *pki,
                          const char *passphrase)
{
    FILE *file = create(folder, name);
    ck_assert_int_eq(PEM_write_PrivateKey(file, pki->key, passphrase ? EVP_aes_128_cbc() : NULL,
                                          (const unsigned char *)passphrase,
                                          passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                     1);
    ck_assert_int_eq(fclose(file), 0);
    return folder->file;
}

struct peer_certificate pki_present_chain(struct folder *folder, const struct pki *leaf,
                                          const struct pki *issuer, struct tls_context *ctx)
{
    struct peer_certificate about;
    struct error err;
    const char *path = pki_write_chain(folder, "presented.pem", leaf, issuer);
    ck_assert_msg(tls_context_use_certificate(ctx, path, &about, &err) == 0, "%s", err.text);
    path = pki_write_key(folder, "presented.key", leaf, NULL);
    ck_assert_msg(tls_context_use_key(ctx, path, &err) == 0, "%s", err.text);
    return about;
}

struct peer_certificate pki_present(struct folder *folder, const struct pki *pki,
                                    struct tls_context *ctx)
{
    return pki_present_chain(folder, pki, NULL, ctx);
}

void pki_trust(struct folder *folder, const struct pki *pki, struct tls_context *ctx)
{
    struct error err;
    const char *path = pki_write_certificate(folder, "trusted.pem", pki);
    ck_assert_msg(tls_context_trust(ctx, path, &err) == 0, "%s", err.text);
}

static X509_EXTENSION *make_extension(const struct pki_extension *spec)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &ctx, spec->name, spec->value);
    ck_assert_msg(extension != NULL, "%s", spec->name);
    return extension;
}

static void revoke(X509_CRL *crl, const struct pki_crl_spec *spec, const struct pki *revoked,
                   ASN1_TIME *date)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ck_assert_ptr_nonnull(entry);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
    X509_REVOKED_set_revocationDate(entry, date);
    if (spec->entry_extension.name) {
        X509_EXTENSION *extension = make_extension(&spec->entry_extension);
        ck_assert_int_eq(X509_REVOKED_add_ext(entry, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
}

static X509_CRL *make_crl(const struct pki_crl_spec *spec, time_t now)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *date = ASN1_TIME_new();
    const struct pki *signer = spec->signer ? spec->signer : spec->issuer;
    bool usual = spec->starts_days == 0 && spec->ends_days == 0;
    X509_CRL_set_version(crl, spec->version_1 ? X509_CRL_VERSION_1 : X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec->issuer->certificate));
    X509_time_adj_ex(date, usual ? -1 : spec->starts_days, 0, &now);
    X509_CRL_set1_lastUpdate(crl, date);
    if (spec->revoked)
        revoke(crl, spec, spec->revoked, date);
    if (spec->revoked_next)
        revoke(crl, spec, spec->revoked_next, date);
    X509_time_adj_ex(date, usual ? 30 : spec->ends_days, 0, &now);
    if (!spec->endless)
        X509_CRL_set1_nextUpdate(crl, date);
    ASN1_TIME_free(date);
    if (spec->extension.name) {
        X509_EXTENSION *extension = make_extension(&spec->extension);
        ck_assert_int_eq(X509_CRL_add_ext(crl, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    ck_assert_int_ne(X509_CRL_sign(crl, signer->key, EVP_sha256()), 0);
    return crl;
}

const char *pki_write_crls(struct folder *folder, const char *name,
                           const struct pki_crl_spec *specs, size_t count)
{
    FILE *file = create(folder, name);
    time_t now = time(NULL); /* once: on a slow machine the second may end between two of them */
    for (size_t i = 0; i < count; i++) {
        X509_CRL *crl = make_crl(&specs[i], now);
        ck_assert_int_eq(PEM_write_X509_CRL(file, crl), 1);
        X509_CRL_free(crl);
    }
    ck_assert_int_eq(fclose(file), 0);
    return folder->file;
}
