/* SPDX-License-Identifier: MIT */
#include "tls_staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_certificate.h"
#include "tls_error.h"
#include "tls_pem.h"
#include "tls_screen.h"

/* A TLS 1.3 handshake has room for 64 KiB (RFC 8446 §4.4.2); a response has about 2 KiB.
 */
enum { STAPLE_BYTES_MAX = 32 * 1024 };

void tls_staple_free(struct tls_staple *staple)
{
    if (!staple)
        return;
    OPENSSL_free(staple->der);
    free(staple);
}

/* RFC 6960 §4.1.1: a certificate is named by its serial number and hashes of its issuer. The
 * issuer's name is enough, as its key may be unknown. */
static bool is_id_of(OCSP_CERTID *id, X509 *leaf)
{
    ASN1_OCTET_STRING *issuer;
    ASN1_OBJECT *algorithm;
    ASN1_INTEGER *serial;
    if (!OCSP_id_get0_info(&issuer, &algorithm, NULL, &serial, id) ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0)
        return false;

    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n;
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    return md && X509_NAME_digest(X509_get_issuer_name(leaf), md, digest, &n) == 1 &&
           n == (unsigned)ASN1_STRING_length(issuer) &&
           memcmp(digest, ASN1_STRING_get0_data(issuer), n) == 0;
}

static bool is_about(const OCSP_SINGLERESP *single, X509 *leaf)
{
    OCSP_CERTID *id = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(single));
    bool about = id && is_id_of(id, leaf);
    OCSP_CERTID_free(id);
    return about;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *leaf)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++)
        if (is_about(OCSP_resp_get0(basic, i), leaf))
            return OCSP_resp_get0(basic, i);
    return NULL;
}

/* Fills the dates. */
static int check_single(OCSP_BASICRESP *basic, X509 *leaf, const char *path, struct tls_staple *ret,
                        struct error *err)
{
    int reason;
    ASN1_GENERALIZEDTIME *from, *until;
    OCSP_SINGLERESP *single = find_single(basic, leaf);
    if (!single)
        return error_set(err, ERROR_INPUT, "%s is not about this certificate: fetch its own", path);
    int status = OCSP_single_get0_status(single, &reason, NULL, &from, &until);
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return error_set(err, ERROR_INPUT, "%s says that the certificate is %s: replace it", path,
                         OCSP_cert_status_str(status));
    ret->from = tls_certificate_date_seconds(from);
    ret->until = until ? tls_certificate_date_seconds(until)
                       : INT64_MAX; /* §4.2.2.1: a newer one is always available */
    return 0;
}

static int check(OCSP_RESPONSE *response, X509 *leaf, const char *path, struct tls_staple *ret,
                 struct error *err)
{
    int status = OCSP_response_status(response);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return error_set(err, ERROR_INPUT, "%s contains only the error \"%s\": fetch another", path,
                         OCSP_response_status_str(status));
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    int result = basic ? check_single(basic, leaf, path, ret, err)
                       : tls_error_set(err, ERROR_INPUT, "%s is not a basic OCSP response", path);
    OCSP_BASICRESP_free(basic);
    return result;
}

/* It is not verified yet, and parsing certificates can take seconds (ADR 16). */
static int screen(const struct tls_pem *file, struct error *err)
{
    if (file->n > STAPLE_BYTES_MAX)
        return error_set(err, ERROR_INPUT,
                         "%s is larger than 32 KiB: fetch a response for this certificate alone",
                         file->path);
    switch (tls_screen_ocsp(file->data, file->n, &tls_ocsp_limits)) {
    case TLS_SCREEN_OK:
        return 0;
    case TLS_SCREEN_NOT_DER:
        return error_set(err, ERROR_INPUT, "%s is not an OCSP response in DER", file->path);
    case TLS_SCREEN_TOO_MANY:
    case TLS_SCREEN_TOO_COMPLEX:
    case TLS_SCREEN_LONG_RSA:
    case TLS_SCREEN_EXPLICIT_CURVE:
    case TLS_SCREEN_COMPRESSED_POINT:
    case TLS_SCREEN_RELATIVE_NAME:
        break;
    }
    return error_set(
        err, ERROR_INPUT,
        "%s contains certificates that would be refused from a peer (too many or too complex, "
        "explicit curve parameters, compressed points, relative distribution "
        "points): fetch another response",
        file->path);
}

static int parse(const struct tls_pem *file, X509 *leaf, struct tls_staple *ret, struct error *err)
{
    const unsigned char *at = file->data;
    if (screen(file, err))
        return -1;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)file->n);
    int result = response && at == file->data + file->n
                     ? check(response, leaf, file->path, ret, err)
                     : error_set(err, ERROR_INPUT, "%s is not an OCSP response in DER", file->path);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    if (result < 0)
        return -1;
    ret->der = OPENSSL_memdup(file->data, file->n);
    ret->n = file->n;
    return ret->der ? 0 : error_set(err, ERROR_SYSTEM, "read %s: no memory", file->path);
}

int tls_staple_read(const char *path, X509 *leaf, struct tls_staple **ret, struct error *err)
{
    struct tls_pem file;
    if (tls_pem_open(path, TLS_PEM_PUBLIC, &file, err))
        return -1;
    struct tls_staple *staple = calloc(1, sizeof *staple);
    int result = staple ? parse(&file, leaf, staple, err) : error_sys(err, "read %s", path);
    tls_pem_close(&file);
    if (result < 0) {
        tls_staple_free(staple);
        return -1;
    }
    *ret = staple;
    return 0;
}
