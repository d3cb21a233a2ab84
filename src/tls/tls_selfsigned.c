/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls_certificate.h"
#include "tls_certificates.h"
#include "tls_error.h"
#include "tls_files.h"
#include "tls_pem.h"
#include "tls_signatures.h"
#include "tlsecho/net/endpoint.h"
#include "tlsecho/tls/tls_context.h"
#include "tlsecho/tls/tls_memory.h"

enum { HOUR_S = 3600, LIFETIME_DAYS = 365, RENEW_DAYS = 30, SERIAL_BITS = 127, PATH_BYTES = 4096 };

static const char file_name[] = "self-signed.pem";

/* A certificate and its key. */
struct pair {
    X509 *certificate;
    EVP_PKEY *key;
};

static void pair_free(struct pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
}

/* "localhost" if the host name is not valid in a certificate. */
static void host_name(char ret[ENDPOINT_HOST_BYTES])
{
    if (gethostname(ret, ENDPOINT_HOST_BYTES - 1) || !endpoint_host_is_name(ret))
        strcpy(ret, "localhost");
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    bool set = serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
               BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
    BN_free(serial);
    return set;
}

static bool set_names(X509 *certificate, const char *host)
{
    char names[ENDPOINT_HOST_BYTES + 64];
    snprintf(names, sizeof names, "DNS:%s%s,IP:127.0.0.1,IP:::1", host,
             strcmp(host, "localhost") == 0 ? "" : ",DNS:localhost");

    X509_NAME *name = X509_get_subject_name(certificate);
    int length = (int)strnlen(host, ub_common_name);
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)host, length, -1, 0) &&
           X509_set_issuer_name(certificate, name) &&
           add_extension(certificate, NID_subject_alt_name, names);
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *host)
{
    return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR_S) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), LIFETIME_DAYS * 24L * HOUR_S) &&
           X509_set_pubkey(certificate, key) && set_names(certificate, host) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           X509_sign(certificate, key, EVP_sha256());
}

static int make(const char *host, struct pair *ret, struct error *err)
{
    ERR_clear_error();
    struct pair pair = {.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    if (!pair.certificate || !pair.key || !fill(pair.certificate, pair.key, host)) {
        pair_free(&pair);
        return tls_error_set(err, ERROR_SYSTEM, "make a self-signed certificate");
    }
    *ret = pair;
    return 0;
}

static int load(const char *path, enum tls_pem_access access, struct pair *ret, struct error *err)
{
    struct tls_pem pem;
    struct pair pair = {0};
    STACK_OF(X509) *certificates = NULL;
    if (tls_pem_open(path, access, &pem, err))
        return -1;
    int result = tls_pem_certificates(&pem, &certificates, err);
    if (result == 0) {
        pair.certificate = sk_X509_shift(certificates);
        sk_X509_pop_free(certificates, X509_free);
        result = tls_pem_key(&pem, &pair.key, err);
    }
    tls_pem_close(&pem);
    if (result == 0 && X509_check_private_key(pair.certificate, pair.key) != 1) {
        ERR_clear_error();
        result = error_set(err, ERROR_INPUT, "%s: key and certificate do not match", path);
    }
    if (result == 0)
        *ret = pair;
    else
        pair_free(&pair);
    return result;
}

/* Whether it is for this host, and valid now and for some time. The clock may have been wrong when
 * it was made. */
static bool is_good(X509 *certificate, const char *host)
{
    time_t now = time(NULL), renewal = now + RENEW_DAYS * 24 * HOUR_S;
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &renewal) > 0 &&
           X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

static int save(const char *path, const struct pair *pair, struct error *err)
{
    /* Memory that OpenSSL overwrites before it frees it: the key passes through. */
    BIO *out = BIO_new(BIO_s_mem());
    bool complete = out && PEM_write_bio_X509(out, pair->certificate) &&
                    PEM_write_bio_PrivateKey(out, pair->key, NULL, NULL, 0, NULL, NULL);
    int result = complete ? tls_pem_save(path, out, err)
                          : tls_error_set(err, ERROR_SYSTEM, "write %s", path);
    BIO_free(out);
    return result;
}

/* The same, and if there is no memory to tell -1: another certificate would be unknown to clients.
 */
static int check(X509 *certificate, const char *host, bool *ret_good, struct error *err)
{
    *ret_good = certificate && is_good(certificate, host);
    return tls_memory_check(0, err);
}

/* The pair in the directory, renewed if necessary. */
static int keep(struct tls_context *ctx, const char *directory, const char *host, struct pair *ret,
                struct error *err)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/%s", directory, file_name) >= PATH_BYTES - 8)
        return error_set(err, ERROR_INPUT, "the path of the state directory is too long");

    struct pair pair = {0};
    if (load(path, tls_files_access(ctx), &pair, err) && err->code != ENOENT) {
        size_t used = strlen(err->text);
        if (!error_is_temporary(err))
            snprintf(err->text + used, sizeof err->text - used, " (remove it to create a new one)");
        return -1;
    }
    bool good;
    int result = check(pair.certificate, host, &good, err);
    if (result == 0 && !good) {
        pair_free(&pair);
        pair = (struct pair){0};
        if (make(host, &pair, err))
            return -1;
        result = save(path, &pair, err);
    }
    if (result || tls_files_warn(ctx, path, true, err)) {
        pair_free(&pair);
        return -1;
    }
    *ret = pair;
    return 0;
}

/* The pair of this process, so that the certificate is the same after a reload and in all profiles.
 */
static int remember(const char *host, struct pair *ret, struct error *err)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct pair remembered;

    pthread_mutex_lock(&mutex);
    bool good;
    int result = check(remembered.certificate, host, &good, err);
    if (result == 0 && !good) {
        struct pair pair;
        result = make(host, &pair, err);
        if (result == 0) {
            pair_free(&remembered);
            remembered = pair;
        }
    }
    if (result == 0) {
        X509_up_ref(remembered.certificate);
        EVP_PKEY_up_ref(remembered.key);
        *ret = remembered;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static int use(struct tls_context *ctx, const struct pair *pair, struct error *err)
{
    static const char name[] = "the self-signed certificate";
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!chain || !sk_X509_push(chain, pair->certificate)) {
        sk_X509_free(chain);
        return error_set(err, ERROR_SYSTEM, "%s: no memory", name);
    }
    X509_up_ref(pair->certificate);
    int result = tls_certificates_add(ctx, chain, name, err);
    sk_X509_pop_free(chain, X509_free);
    if (result == 0)
        result = tls_signatures_warn(ctx, pair->certificate, "self-signed", err);
    return result ? -1 : tls_certificates_add_key(ctx, pair->key, name, err);
}

int tls_context_use_self_signed(struct tls_context *ctx, const char *directory,
                                struct peer_certificate *ret, struct error *err)
{
    char host[ENDPOINT_HOST_BYTES] = "";
    struct pair pair;
    host_name(host);
    if (directory ? keep(ctx, directory, host, &pair, err) : remember(host, &pair, err))
        return -1;
    int result = use(ctx, &pair, err);
    if (result == 0)
        tls_certificate_describe(pair.certificate, ret);
    pair_free(&pair);
    return result;
}
