/* SPDX-License-Identifier: MIT */
/* Finds what is wrong with a peer's chain: the worst fault decides and ends the verification. */
#include "tls_verification.h"

#include <stdlib.h>

#include "tls_error.h"
#include "tls_once.h"

/* The first of each kind. */
struct findings {
    struct tls_finding first[TLS_FAULTS];
};

static atomic_int verification_index, findings_index;

int tls_verification_attach(SSL *ssl, struct tls_verification *verification, struct error *err)
{
    int index = tls_once_index(&verification_index, CRYPTO_EX_INDEX_SSL);
    if (!SSL_set_ex_data(ssl, index, verification))
        return tls_error_set(err, ERROR_SYSTEM, "make a TLS transport");
    return 0;
}

struct tls_verification *tls_verification_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, verification_index);
}

void tls_verification_free(struct tls_verification *verification)
{
    if (!verification)
        return;
    sk_X509_pop_free(verification->chain, X509_free);
    sk_X509_pop_free(verification->path, X509_free);
    X509_free(verification->issuer);
    free(verification);
}

enum error_kind tls_verification_error_kind(const struct tls_verification *verification)
{
    if (verification->untrusted)
        return ERROR_UNTRUSTED;
    return verification->expired ? ERROR_EXPIRED : ERROR_NAME_MISMATCH;
}

static enum tls_fault fault_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_FAULT_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_FAULT_NAME;
    }
    return TLS_FAULT_UNTRUSTED;
}

static bool is_about_revocation(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CERT_REVOKED:
        return true;
    }
    return false;
}

/* An anchor is trusted by configuration: its issuer, whose CRL could list it, need not be known. */
static bool is_revocation_of_anchor(X509_STORE_CTX *store, int error)
{
    int top = sk_X509_num(X509_STORE_CTX_get0_chain(store)) - 1;
    return is_about_revocation(error) && X509_STORE_CTX_get_error_depth(store) == top;
}

/*
 * X509_STORE_CTX_set_verify_cb(3). "Untrusted" is the worst fault: 0 ends the verification, before
 * the names and policies of a forged chain take time. Other faults are recorded and the
 * verification continues, as a worse one may follow.
 */
static int on_step(int ok, X509_STORE_CTX *store)
{
    if (ok)
        return 1;
    struct findings *findings = X509_STORE_CTX_get_ex_data(store, findings_index);
    int error = X509_STORE_CTX_get_error(store);
    enum tls_fault fault = fault_of(error);
    if (is_revocation_of_anchor(store, error))
        return 1;
    if (findings->first[fault].error == X509_V_OK)
        findings->first[fault] = (struct tls_finding){
            .error = error,
            .depth = X509_STORE_CTX_get_error_depth(store),
            .certificate = X509_STORE_CTX_get_current_cert(store),
            .crl = X509_STORE_CTX_get0_current_crl(store),
        };
    return fault != TLS_FAULT_UNTRUSTED;
}

static struct tls_finding decide(struct tls_verification *v, const struct findings *findings)
{
    v->untrusted = findings->first[TLS_FAULT_UNTRUSTED].error != X509_V_OK;
    v->expired = findings->first[TLS_FAULT_EXPIRED].error != X509_V_OK;
    enum tls_fault worst = v->untrusted ? TLS_FAULT_UNTRUSTED
                           : v->expired ? TLS_FAULT_EXPIRED
                                        : TLS_FAULT_NAME;
    v->error = findings->first[worst].error;
    v->depth = findings->first[worst].depth;
    return findings->first[worst];
}

struct tls_finding tls_verification_run(X509_STORE_CTX *store, struct tls_verification *v)
{
    struct findings findings = {0};
    struct tls_finding *untrusted = &findings.first[TLS_FAULT_UNTRUSTED];
    X509_STORE_CTX_set_verify_cb(store, on_step);
    int index = tls_once_index(&findings_index, CRYPTO_EX_INDEX_X509_STORE_CTX);
    bool verified =
        X509_STORE_CTX_set_ex_data(store, index, &findings) && X509_verify_cert(store) > 0;
    if (!verified && untrusted->error == X509_V_OK) /* it failed without a call of on_step */
        untrusted->error = X509_V_ERR_OUT_OF_MEM;
    struct tls_finding worst = decide(v, &findings);
    X509_STORE_CTX_set_error(store, (int)worst.error); /* selects the alert */
    return worst;
}
