/* SPDX-License-Identifier: MIT */
/* The CRLs (RFC 5280 §5) of a server's client CAs: which are accepted, and which one is used. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_clients.h"
#include "tls_context_internal.h"
#include "tls_files.h"
#include "tls_pem.h"
#include "tls_warning.h"

/* Identifies a CRL of the file in messages. */
struct crl_place {
    const char *path;
    int number; /* from 1 */
    X509_CRL *crl;
};

static int refuse(const struct crl_place *at, struct error *err, const char *what)
{
    char issuer[PEER_NAME_BYTES];
    tls_certificate_name(X509_CRL_get_issuer(at->crl), issuer, sizeof issuer);
    return error_set(err, ERROR_INPUT, "%s: CRL %d, of \"%.120s\", %s", at->path, at->number,
                     issuer, what);
}

static int refuse_critical(const struct crl_place *at, X509_EXTENSION *extension, const char *where,
                           struct error *err)
{
    char name[80], what[200];
    OBJ_obj2txt(name, sizeof name, X509_EXTENSION_get_object(extension), 0);
    snprintf(what, sizeof what,
             "has%s the critical extension \"%s\", which is not supported: give a CRL without it",
             where, name);
    return refuse(at, err, what);
}

/* RFC 5280 §5.2: with an unprocessed critical extension, the absence of a certificate from a CRL
 * proves nothing. Extensions that make a CRL incomplete are refused even if not critical. */
static int check_extensions(const struct crl_place *at, struct error *err)
{
    if (X509_CRL_get_ext_by_NID(at->crl, NID_delta_crl, -1) >= 0)
        return refuse(at, err,
                      "is a delta CRL (RFC 5280 §5.2.4), which does not list earlier revocations: "
                      "give the complete CRL instead");
    if (X509_CRL_get_ext_by_NID(at->crl, NID_issuing_distribution_point, -1) >= 0)
        return refuse(at, err,
                      "has an issuingDistributionPoint (RFC 5280 §5.2.5): it may cover only a part "
                      "of what the CA issued: give the complete CRL, without that extension");
    for (int i = 0; i < X509_CRL_get_ext_count(at->crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(at->crl, i);
        if (X509_EXTENSION_get_critical(extension) &&
            OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_authority_key_identifier)
            return refuse_critical(at, extension, "", err);
    }
    return 0;
}

/* RFC 5280 §5.3.1: an entry of a delta CRL, which OpenSSL takes as not revoked. */
static bool is_removal(X509_REVOKED *entry)
{
    int critical;
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
    bool removal = reason && ASN1_ENUMERATED_get(reason) == CRL_REASON_REMOVE_FROM_CRL;
    ASN1_ENUMERATED_free(reason);
    return removal;
}

static int check_entries(const struct crl_place *at, struct error *err)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(at->crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        if (X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) >= 0)
            return refuse(at, err,
                          "is an indirect CRL: it lists certificates of other CAs (RFC 5280 "
                          "§5.3.3): give the CRL that each CA signs itself");
        for (int k = 0; k < X509_REVOKED_get_ext_count(entry); k++)
            if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, k)))
                return refuse_critical(at, X509_REVOKED_get_ext(entry, k), " in an entry", err);
        if (is_removal(entry))
            return refuse(at, err,
                          "has an entry with the reason removeFromCRL, which is for delta CRLs "
                          "only (RFC 5280 §5.3.1): give the complete CRL");
    }
    return 0;
}

static bool has_name_of(const X509_CRL *crl, const X509 *ca)
{
    return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) == 0;
}

/* Found by signature: a CA that has renewed its key under the same name has CRLs by both keys. If
 * no CA in the bundle has that name, clients send the CA, and the CRL is verified with it. */
static int find_signer(const struct crl_place *at, STACK_OF(X509) * cas, X509 **ret,
                       struct error *err)
{
    bool named = false;
    *ret = NULL;
    for (int i = 0; i < sk_X509_num(cas); i++) {
        X509 *ca = sk_X509_value(cas, i);
        if (!has_name_of(at->crl, ca))
            continue;
        named = true;
        if (X509_CRL_verify(at->crl, X509_get0_pubkey(ca)) == 1)
            *ret = ca;
        ERR_clear_error();
        if (*ret && X509_get_key_usage(ca) & KU_CRL_SIGN) /* UINT32_MAX if there is no keyUsage */
            return 0;
    }
    if (*ret)
        return refuse(at, err,
                      "is signed by a CA whose keyUsage does not allow it: reissue that CA's "
                      "certificate with cRLSign");
    if (named)
        return refuse(at, err,
                      "is not signed by the CA of that name in client_ca: give the CRL of that "
                      "CA, or add the CA whose key signed it to client_ca");
    return 0;
}

/* Each is considered in each handshake, and verified with each CA of its name when loaded. */
static int check_number(const struct crl_place *at, STACK_OF(X509_CRL) * crls, struct error *err)
{
    int same = 0;
    for (int i = 0; i < at->number; i++)
        if (X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(crls, i)),
                          X509_CRL_get_issuer(at->crl)) == 0)
            same++;
    if (same <= TLS_CLIENTS_CRLS_OF_CA_MAX)
        return 0;
    char what[120];
    snprintf(what, sizeof what, "exceeds the limit of %d per CA: give only the newest",
             TLS_CLIENTS_CRLS_OF_CA_MAX);
    return refuse(at, err, what);
}

static bool has_key_of(const X509 *a, const X509 *b)
{
    return EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

static bool have_same_issuer(const struct tls_clients *clients, int a, int b)
{
    const X509 *signer = clients->crl_signers[a], *other = clients->crl_signers[b];
    return X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(clients->crls, a)),
                         X509_CRL_get_issuer(sk_X509_CRL_value(clients->crls, b))) == 0 &&
           (signer == other || (signer && other && has_key_of(signer, other)));
}

static bool have_same_begin(const X509_CRL *crl, const X509_CRL *other)
{
    return ASN1_TIME_compare(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_lastUpdate(other)) == 0;
}

/* RFC 5280 §5.2.3: of two with the same time the one with the greater number is used. */
static bool supersedes(const X509_CRL *crl, const X509_CRL *other)
{
    if (!have_same_begin(crl, other))
        return false;
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL),
                 *other_number = X509_CRL_get_ext_d2i(other, NID_crl_number, NULL, NULL);
    bool greater = number && (!other_number || ASN1_INTEGER_cmp(number, other_number) > 0);
    ASN1_INTEGER_free(other_number);
    ASN1_INTEGER_free(number);
    return greater;
}

/* The signed part, RFC 5280 §5.1: the first element of *ret_all, which the caller frees; NULL = it
 * cannot be had. Only the whole can be had as it arrived: the part alone would be encoded again,
 * and its CRL changed. */
static const unsigned char *signed_part(const X509_CRL *crl, unsigned char **ret_all, size_t *ret_n)
{
    int n = i2d_X509_CRL(crl, ret_all), tag, class;
    const unsigned char *at = *ret_all, *part;
    long length;
    if (n <= 0 || ASN1_get_object(&at, &length, &tag, &class, n) & 0x80)
        return NULL;
    part = at;
    if (ASN1_get_object(&at, &length, &tag, &class, length) & 0x80)
        return NULL;
    *ret_n = (size_t)(at - part) + (size_t)length;
    return part;
}

/* Compares the signed part, as the same CRL may have been signed twice. */
static bool have_same_content(const X509_CRL *crl, const X509_CRL *other)
{
    unsigned char *all = NULL, *other_all = NULL;
    size_t n, other_n;
    const unsigned char *part = signed_part(crl, &all, &n),
                        *other_part = signed_part(other, &other_all, &other_n);
    bool same = part && other_part && n == other_n && memcmp(part, other_part, n) == 0;
    OPENSSL_free(other_all);
    OPENSSL_free(all);
    return same;
}

/* Which of two is used must not depend on their order in the file. */
static int check_twins(const struct tls_clients *clients, const struct crl_place *at,
                       struct error *err)
{
    char what[200];
    for (int i = 0; i + 1 < at->number; i++) {
        X509_CRL *earlier = sk_X509_CRL_value(clients->crls, i);
        if (!have_same_issuer(clients, i, at->number - 1) || !have_same_begin(earlier, at->crl) ||
            supersedes(earlier, at->crl) || supersedes(at->crl, earlier) ||
            have_same_content(earlier, at->crl))
            continue;
        snprintf(what, sizeof what,
                 "differs from CRL %d, and neither thisUpdate nor the CRL number (RFC 5280 §5.2.3) "
                 "says which is newer: give only the one that the CA issued last",
                 i + 1);
        return refuse(at, err, what);
    }
    return 0;
}

static int check_crls(struct tls_clients *clients, const char *path, struct error *err)
{
    int count = sk_X509_CRL_num(clients->crls);
    clients->crl_signers = calloc((size_t)count, sizeof(X509 *));
    if (!clients->crl_signers)
        return error_sys(err, "read %s", path);
    for (int i = 0; i < count; i++) {
        struct crl_place at = {path, i + 1, sk_X509_CRL_value(clients->crls, i)};
        if (check_number(&at, clients->crls, err) || check_extensions(&at, err) ||
            check_entries(&at, err) ||
            find_signer(&at, clients->cas, &clients->crl_signers[i], err) ||
            check_twins(clients, &at, err))
            return -1;
    }
    return 0;
}

/* Whether a CRL is by this issuer, also with another certificate of it. */
static bool is_crl_of(const struct tls_clients *clients, int i, const X509 *issuer)
{
    return has_name_of(sk_X509_CRL_value(clients->crls, i), issuer) &&
           (!clients->crl_signers[i] || has_key_of(clients->crl_signers[i], issuer));
}

static bool has_crl(const struct tls_clients *clients, const X509 *ca)
{
    for (int i = 0; i < sk_X509_CRL_num(clients->crls); i++)
        if (is_crl_of(clients, i, ca))
            return true;
    return false;
}

/* A certificate that is not a CA has issued nothing that could be revoked. */
static int check_cas(const struct tls_clients *clients, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_num(clients->cas); i++) {
        X509 *ca = sk_X509_value(clients->cas, i);
        char name[PEER_NAME_BYTES];
        if (X509_check_ca(ca) == 0 || has_crl(clients, ca))
            continue;
        tls_certificate_name(X509_get_subject_name(ca), name, sizeof name);
        return error_set(err, ERROR_INPUT,
                         "%s has no CRL of \"%s\": every CA of the bundle needs one, signed by it",
                         path, name);
    }
    return 0;
}

/* Inserts it before those that it supersedes. */
static int insert(STACK_OF(X509_CRL) * crls, X509_CRL *crl)
{
    int at = 0;
    while (at < sk_X509_CRL_num(crls) && !supersedes(crl, sk_X509_CRL_value(crls, at)))
        at++;
    return sk_X509_CRL_insert(crls, crl, at);
}

/*
 * X509_STORE_set_lookup_crls(3): the CRLs of the issuer of the certificate being checked. OpenSSL
 * uses the newest in date, and of several the first. Its default look-up compares only names.
 */
static STACK_OF(X509_CRL) * find_crls(const X509_STORE_CTX *store, const X509_NAME *issuer_name)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tls_context *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    int depth = X509_STORE_CTX_get_error_depth(store);
    X509 *issuer = sk_X509_value(chain, depth + 1 < sk_X509_num(chain) ? depth + 1 : depth);
    STACK_OF(X509_CRL) *found = sk_X509_CRL_new_null();
    (void)issuer_name; /* of the same issuer */
    for (int i = 0; found && i < sk_X509_CRL_num(ctx->clients->crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(ctx->clients->crls, i);
        if (is_crl_of(ctx->clients, i, issuer) && insert(found, crl))
            X509_CRL_up_ref(crl);
    }
    return found;
}

/* RFC 5280 §5.1.2.5 requires nextUpdate, but some CAs omit it. */
static int warn_of_endless(struct tls_context *ctx, const char *path, struct error *err)
{
    for (int i = 0; i < sk_X509_CRL_num(ctx->clients->crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(ctx->clients->crls, i);
        char issuer[PEER_NAME_BYTES];
        if (X509_CRL_get0_nextUpdate(crl))
            continue;
        tls_certificate_name(X509_CRL_get_issuer(crl), issuer, sizeof issuer);
        if (tls_warning_add(ctx, (struct tls_warning_topic){"crl_without_end", path}, err,
                            "the CRL of \"%.120s\" has no nextUpdate: it never goes out of date, "
                            "even if no newer one arrives: let the CA set one",
                            issuer))
            return -1;
    }
    return 0;
}

int tls_context_use_crl(struct tls_context *ctx, const char *path, struct error *err)
{
    struct tls_clients *clients = ctx->clients;
    struct tls_pem pem;
    if (!clients || !clients->cas)
        return error_set(err, ERROR_INPUT,
                         "crl needs client_ca: name the bundle of the clients' CAs");
    if (tls_pem_open(path, TLS_PEM_PUBLIC, &pem, err))
        return -1;
    int result = tls_pem_crls(&pem, &clients->crls, err);
    tls_pem_close(&pem);
    if (result < 0 || check_crls(clients, path, err) || check_cas(clients, path, err))
        return -1;
    X509_STORE_set_lookup_crls(clients->store, find_crls);
    X509_STORE_set_flags(clients->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return warn_of_endless(ctx, path, err) ? -1 : tls_files_warn(ctx, path, false, err);
}

static int64_t begin_of(const struct tls_clients *clients, int i)
{
    return tls_certificate_date_seconds(
        X509_CRL_get0_lastUpdate(sk_X509_CRL_value(clients->crls, i)));
}

static int64_t end_of(const struct tls_clients *clients, int i)
{
    const ASN1_TIME *end = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(clients->crls, i));
    return end ? tls_certificate_date_seconds(end) : INT64_MAX;
}

/* The state of all CRLs by the issuer of one of them. */
static enum tls_crl_state state_of_issuer(const struct tls_clients *clients, int which, int64_t now,
                                          int64_t *ret_date)
{
    int64_t next_begin = INT64_MAX, last_end = 0;
    for (int i = 0; i < sk_X509_CRL_num(clients->crls); i++) {
        int64_t begin = begin_of(clients, i), end = end_of(clients, i);
        if (!have_same_issuer(clients, which, i))
            continue;
        if (begin <= now && now < end)
            return TLS_CRL_IN_DATE;
        if (begin > now && begin < next_begin)
            next_begin = begin;
        if (end > last_end)
            last_end = end;
    }
    bool begins = next_begin < INT64_MAX;
    *ret_date = begins ? next_begin : last_end;
    return begins ? TLS_CRL_NOT_YET_VALID : TLS_CRL_EXPIRED;
}

enum tls_crl_state tls_context_crl_state(const struct tls_context *ctx, int64_t now,
                                         int64_t *ret_date)
{
    for (int i = 0; ctx->clients && i < sk_X509_CRL_num(ctx->clients->crls); i++) {
        enum tls_crl_state state = state_of_issuer(ctx->clients, i, now, ret_date);
        if (state != TLS_CRL_IN_DATE)
            return state;
    }
    return TLS_CRL_IN_DATE;
}

int64_t tls_context_crl_expires(const struct tls_context *ctx)
{
    const struct tls_clients *clients = ctx->clients;
    int64_t earliest = INT64_MAX;
    for (int i = 0; clients && i < sk_X509_CRL_num(clients->crls); i++) {
        int64_t last = 0;
        for (int k = 0; k < sk_X509_CRL_num(clients->crls); k++)
            if (have_same_issuer(clients, i, k) && end_of(clients, k) > last)
                last = end_of(clients, k);
        if (last < earliest)
            earliest = last;
    }
    return earliest;
}
