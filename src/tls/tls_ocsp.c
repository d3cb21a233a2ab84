/* SPDX-License-Identifier: MIT */
/* Evaluates an OCSP response (RFC 6960) for a certificate. */
#include "tls_ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdio.h>

#include "tls_certificate.h"
#include "tls_screen.h"

enum { CLOCK_SKEW_S = 300 };
const struct tls_screen_limits tls_ocsp_limits = {8, 4096};

struct status {
    int status, reason;
    ASN1_GENERALIZEDTIME *revoked, *this_update, *next_update; /* of the response */
};

const char *tls_ocsp_name(enum tls_ocsp staple)
{
    switch (staple) {
    case TLS_OCSP_NONE:
        break;
    case TLS_OCSP_GOOD:
        return "good";
    case TLS_OCSP_REVOKED:
        return "revoked";
    case TLS_OCSP_EXPIRED:
        return "expired";
    case TLS_OCSP_INVALID:
        return "invalid";
    }
    return "none";
}

/* The issuer is the trust anchor: whether it is trusted itself is checked elsewhere. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *anchor = X509_STORE_new();
    STACK_OF(X509) *signers = sk_X509_new_null();
    bool good = anchor && signers && X509_STORE_add_cert(anchor, issuer) &&
                X509_STORE_set_flags(anchor, X509_V_FLAG_PARTIAL_CHAIN) &&
                sk_X509_push(signers, issuer) && OCSP_basic_verify(basic, signers, anchor, 0) == 1;
    sk_X509_free(signers);
    X509_STORE_free(anchor);
    return good;
}

/* RFC 6960 §4.1.1: a certificate is identified by hashes, usually SHA-1. */
static bool find(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, struct status *ret)
{
    enum { DIGESTS = 2 };
    const EVP_MD *const digests[DIGESTS] = {EVP_sha1(), EVP_sha256()};
    bool found = false;
    for (size_t i = 0; !found && i < sizeof digests / sizeof digests[0]; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(digests[i], leaf, issuer);
        found = id && OCSP_resp_find_status(basic, id, &ret->status, &ret->reason, &ret->revoked,
                                            &ret->this_update, &ret->next_update) == 1;
        OCSP_CERTID_free(id);
    }
    return found;
}

static void describe_revoked(const struct status *status, char ret[TLS_REVOKED_BYTES])
{
    char date[TLS_CERTIFICATE_DATE_BYTES];
    tls_certificate_date_text(status->revoked, date);
    if (status->reason == OCSP_REVOKED_STATUS_NOSTATUS)
        snprintf(ret, TLS_REVOKED_BYTES, "%s UTC", date);
    else
        snprintf(ret, TLS_REVOKED_BYTES, "%s UTC (%s)", date, OCSP_crl_reason_str(status->reason));
}

static enum tls_ocsp decide(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer,
                            char ret_revoked[TLS_REVOKED_BYTES])
{
    struct status status = {0};
    if (!is_signed(basic, issuer) || !find(basic, leaf, issuer, &status))
        return TLS_OCSP_INVALID;
    if (status.status == V_OCSP_CERTSTATUS_REVOKED) {
        describe_revoked(&status, ret_revoked);
        return TLS_OCSP_REVOKED;
    }
    if (status.status != V_OCSP_CERTSTATUS_GOOD)
        return TLS_OCSP_INVALID;
    bool in_date = OCSP_check_validity(status.this_update, status.next_update, CLOCK_SKEW_S, -1);
    return in_date ? TLS_OCSP_GOOD : TLS_OCSP_EXPIRED;
}

enum tls_ocsp tls_ocsp_check(const unsigned char *der, long n, X509 *leaf, X509 *issuer,
                             char ret_revoked[TLS_REVOKED_BYTES])
{
    if (tls_screen_ocsp(der, (size_t)n, &tls_ocsp_limits) != TLS_SCREEN_OK)
        return TLS_OCSP_INVALID;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, n);
    OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
    enum tls_ocsp staple =
        basic && issuer ? decide(basic, leaf, issuer, ret_revoked) : TLS_OCSP_INVALID;
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return staple;
}
