/* SPDX-License-Identifier: MIT */
/* How a server verifies client certificates. */
#include "tls_verify_client.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_clients.h"
#include "tls_san_match.h"
#include "tls_verification.h"

enum { NAME_SHOWN_BYTES = 120, FAULT_BYTES = 320 };

static const ASN1_TIME *revoked_at(const struct tls_finding *f)
{
    X509_REVOKED *entry = NULL;
    if (!f->crl || X509_CRL_get0_by_cert(f->crl, &entry, f->certificate) != 1)
        return NULL;
    return X509_REVOKED_get0_revocationDate(entry);
}

/* The date of an error about dates; NULL = another error. */
static const ASN1_TIME *date_of(const struct tls_finding *f)
{
    switch (f->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return X509_get0_notAfter(f->certificate);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return X509_get0_notBefore(f->certificate);
    case X509_V_ERR_CERT_REVOKED:
        return revoked_at(f);
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return X509_CRL_get0_nextUpdate(f->crl);
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return X509_CRL_get0_lastUpdate(f->crl);
    }
    return NULL;
}

/* What is wrong with a certificate of a chain, to complete a sentence about it. */
static void describe(const struct tls_finding *f, char *ret, size_t size)
{
    char issuer[NAME_SHOWN_BYTES] = "", date[TLS_CERTIFICATE_DATE_BYTES];
    if (f->certificate)
        tls_certificate_name(X509_get_issuer_name(f->certificate), issuer, sizeof issuer);
    tls_certificate_date_text(date_of(f), date);

    switch (f->error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(ret, size, "expired on %s UTC", date);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(ret, size, "not valid before %s UTC", date);
        return;
    case X509_V_ERR_CERT_REVOKED:
        snprintf(ret, size, "revoked on %s UTC", date);
        return;
    case X509_V_ERR_CRL_HAS_EXPIRED:
        snprintf(ret, size, "crl-expired: the CRL of \"%s\" has been out of date since %s UTC",
                 issuer, date);
        return;
    case X509_V_ERR_CRL_NOT_YET_VALID:
        snprintf(ret, size, "the CRL of \"%s\" is not valid before %s UTC", issuer, date);
        return;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        snprintf(ret, size, "there is no CRL of its issuer \"%s\"", issuer);
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(ret, size, "self-signed and not trusted");
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        snprintf(ret, size, "its issuer \"%s\" is not trusted", issuer);
        return;
    }
    snprintf(ret, size, "%s", X509_verify_cert_error_string(f->error));
}

/* about: the certificate of the chain that has the fault; NULL or the client's own. */
static void refuse(struct tls_verification *v, X509 *leaf, X509 *about, const char *fault)
{
    char subject[NAME_SHOWN_BYTES], ca[NAME_SHOWN_BYTES];
    tls_certificate_name(X509_get_subject_name(leaf), subject, sizeof subject);
    if (about && about != leaf) {
        tls_certificate_name(X509_get_subject_name(about), ca, sizeof ca);
        snprintf(v->text, sizeof v->text, "client certificate \"%s\" refused: its CA \"%s\": %s",
                 subject, ca, fault);
    } else {
        snprintf(v->text, sizeof v->text, "client certificate \"%s\" refused: %s", subject, fault);
    }
}

/*
 * OpenSSL chooses the alert by the store's error. RFC 8446 §6.2: a signature that does not verify
 * is bad_certificate; a problem with the server's CRL is certificate_unknown, as the client's
 * certificate is not at fault.
 */
static long error_of_alert(long error)
{
    switch (error) {
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return X509_V_ERR_CERT_REJECTED;
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return X509_V_ERR_DIFFERENT_CRL_SCOPE;
    }
    return error;
}

/* Verifies with the chain that the client sent and the intermediates of the bundle. */
static struct tls_finding verify_linked(X509_STORE_CTX *store, const struct tls_clients *clients,
                                        struct tls_verification *v)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    STACK_OF(X509) *linked = sk_X509_dup(sent);
    for (int i = 0; i < sk_X509_num(clients->links); i++)
        sk_X509_push(linked,
                     sk_X509_value(clients->links, i)); /* if it fails, the chain is refused */
    X509_STORE_CTX_set0_untrusted(store, linked);
    struct tls_finding worst = tls_verification_run(store, v);
    X509_STORE_CTX_set0_untrusted(store, sent);
    sk_X509_free(linked);
    return worst;
}

static bool is_chain_good(X509_STORE_CTX *store, const struct tls_clients *clients,
                          struct tls_verification *v)
{
    struct tls_finding worst = verify_linked(store, clients, v);
    if (worst.error == X509_V_OK)
        return true;
    char fault[FAULT_BYTES];
    describe(&worst, fault, sizeof fault);
    refuse(v, X509_STORE_CTX_get0_cert(store), worst.certificate, fault);
    X509_STORE_CTX_set_error(store, (int)error_of_alert(worst.error));
    return false;
}

static bool is_name_in(const GENERAL_NAME *name, const struct tls_clients *clients)
{
    static const struct {
        int type;
        enum tls_san_match_kind kind;
    } kinds[] = {{GEN_DNS, TLS_SAN_MATCH_DNS},
                 {GEN_URI, TLS_SAN_MATCH_URI},
                 {GEN_EMAIL, TLS_SAN_MATCH_EMAIL}};
    int type;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; type == kinds[k].type && i < clients->allow_count; i++)
            if (tls_san_match_matches(clients->allow[i], kinds[k].kind,
                                      (const char *)ASN1_STRING_get0_data(value),
                                      (size_t)ASN1_STRING_length(value)))
                return true;
    return false;
}

static bool is_name_allowed(X509 *leaf, const struct tls_clients *clients)
{
    bool found = clients->allow_count == 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = is_name_in(sk_GENERAL_NAME_value(names, i), clients);
    GENERAL_NAMES_free(names);
    return found;
}

static bool is_name_good(X509_STORE_CTX *store, const struct tls_clients *clients,
                         struct tls_verification *v)
{
    char names[PEER_NAME_BYTES], fault[FAULT_BYTES];
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    if (is_name_allowed(leaf, clients))
        return true;
    tls_certificate_names(leaf, TLS_NAMES_WITH_KIND, names, sizeof names);
    snprintf(fault, sizeof fault, "name not allowed: it is for %s",
             *names ? names : "no name at all, as it has no subjectAltName");
    refuse(v, leaf, NULL, fault);
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return false;
}

static int on_client_certificate(X509_STORE_CTX *store, void *arg)
{
    const struct tls_clients *clients = arg;
    struct tls_verification *v = tls_verification_of(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    return is_chain_good(store, clients, v) && is_name_good(store, clients, v);
}

void tls_verify_client_install(SSL_CTX *ssl, struct tls_clients *clients)
{
    SSL_CTX_set1_verify_cert_store(ssl, clients->store);
    SSL_CTX_set_cert_verify_callback(ssl, on_client_certificate, clients);
}
