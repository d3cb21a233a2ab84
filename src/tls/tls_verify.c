/* SPDX-License-Identifier: MIT */
/* How a client verifies the server's certificate. */
#include "tls_verify.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls_certificate.h"
#include "tls_context_internal.h"
#include "tls_error.h"
#include "tls_ocsp.h"
#include "tls_verification.h"

#include "tlsecho/net/endpoint.h"

static void describe_untrusted(struct tls_verification *v, X509 *certificate)
{
    char subject[120] = "", issuer[120] = "";
    if (certificate) {
        tls_certificate_name(X509_get_subject_name(certificate), subject, sizeof subject);
        tls_certificate_name(X509_get_issuer_name(certificate), issuer, sizeof issuer);
    }

    switch (v->error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(v->text, sizeof v->text, "the certificate \"%s\" is self-signed and not trusted",
                 subject);
        v->remedy = "give it with --cacert, or the SHA-256 that the server logs with --pin";
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        snprintf(v->text, sizeof v->text, "the issuer \"%s\" is not trusted", issuer);
        v->remedy = sk_X509_num(v->chain) == 1
                        ? "give its CA with --cacert; if that is an intermediate CA, add it to the "
                          "server's certificate file: the server sent no chain"
                        : "give its CA with --cacert";
        return;
    }
    snprintf(v->text, sizeof v->text, "the certificate \"%s\" is not trusted: %s", subject,
             X509_verify_cert_error_string(v->error));
    v->remedy = "reissue it";
}

static void describe_expired(struct tls_verification *v, X509 *certificate)
{
    bool late = v->error == X509_V_ERR_CERT_HAS_EXPIRED;
    char date[TLS_CERTIFICATE_DATE_BYTES], subject[120];
    tls_certificate_date_text(
        late ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), date);
    tls_certificate_name(X509_get_subject_name(certificate), subject, sizeof subject);
    snprintf(v->text, sizeof v->text, "the certificate \"%s\" %s %s UTC", subject,
             late ? "expired on" : "is not valid before", date);
    v->remedy = late ? "renew it on the server" : "check the clocks of both hosts";
}

char *tls_verify_name(X509_VERIFY_PARAM *param)
{
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    return host ? OPENSSL_strdup(host) : X509_VERIFY_PARAM_get1_ip_asc(param);
}

static void describe_mismatch(struct tls_verification *v, X509 *certificate,
                              X509_VERIFY_PARAM *param)
{
    char names[180];
    tls_certificate_names(certificate, TLS_NAMES_OF_HOSTS, names, sizeof names);
    char *wanted = tls_verify_name(param);
    /* RFC 9525 §6.5: an address is compared with addresses only. */
    if (wanted && !X509_VERIFY_PARAM_get0_host(param, 0) &&
        X509_check_host(certificate, wanted, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1) {
        snprintf(v->text, sizeof v->text,
                 "the certificate has %s as a DNS name, where an address is not valid", wanted);
        v->remedy = "reissue it with the address as IP in its subjectAltName";
        OPENSSL_free(wanted);
        return;
    }
    snprintf(v->text, sizeof v->text, "the certificate is for %s, and not for %s",
             *names ? names : "no name at all", wanted ? wanted : "this one");
    v->remedy = *names ? "connect to one of its names, or give it with --servername"
                       : "reissue it with a subjectAltName";
    OPENSSL_free(wanted);
}

static int verify_chain(X509_STORE_CTX *store, struct tls_verification *v)
{
    struct tls_finding worst = tls_verification_run(store, v);
    if (worst.error == X509_V_OK) {
        v->path = X509_STORE_CTX_get1_chain(store);
        return 1;
    }
    if (v->untrusted)
        describe_untrusted(v, worst.certificate);
    else if (v->expired)
        describe_expired(v, worst.certificate);
    else
        describe_mismatch(v, worst.certificate, X509_STORE_CTX_get0_param(store));
    return 0;
}

static int verify_pin(X509_STORE_CTX *store, struct tls_verification *v, const unsigned char *pin)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    bool same = X509_digest(leaf, EVP_sha256(), digest, &n) == 1 && n == TLS_PIN_BYTES &&
                memcmp(digest, pin, TLS_PIN_BYTES) == 0;
    X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    if (same) { /* nothing else is checked */
        v->path = sk_X509_new_null();
        if (v->path)
            X509_add_cert(v->path, leaf, X509_ADD_FLAG_UP_REF);
        return 1;
    }

    struct peer_certificate about;
    char wanted[2 * TLS_PIN_BYTES + 1];
    tls_certificate_describe(leaf, &about);
    for (int i = 0; i < TLS_PIN_BYTES; i++)
        snprintf(wanted + 2 * i, 3, "%02x", pin[i]);
    v->untrusted = true;
    snprintf(v->text, sizeof v->text,
             "the certificate is not the pinned one: its SHA-256 is %s, the pin is %s",
             about.sha256, wanted);
    v->remedy = "compare it with what the server logs, and give that with --pin";
    v->error = X509_V_ERR_CERT_REJECTED;
    return 0;
}

/* Records what is wrong, without refusing it. */
static int verify_nothing(X509_STORE_CTX *store, struct tls_verification *v)
{
    if (verify_chain(store, v))
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED); /* not trusted */
    return 1;
}

static int verify(X509_STORE_CTX *store, const struct tls_context *ctx, struct tls_verification *v)
{
    switch (ctx->trust) {
    case TLS_TRUST_CHAIN:
        return verify_chain(store, v);
    case TLS_TRUST_PIN:
        return verify_pin(store, v, ctx->pin);
    case TLS_TRUST_ANY:
        return verify_nothing(store, v);
    }
    return 0;
}

/* Everything except whether a client certificate was requested. */
static void forget(struct tls_verification *v)
{
    sk_X509_pop_free(v->chain, X509_free);
    sk_X509_pop_free(v->path, X509_free);
    X509_free(v->issuer);
    *v = (struct tls_verification){.requested_client_certificate = v->requested_client_certificate};
}

static X509 *find_issuer_in(STACK_OF(X509) * known, X509 *leaf)
{
    for (int i = 0; i < sk_X509_num(known); i++)
        if (X509_check_issued(sk_X509_value(known, i), leaf) == X509_V_OK)
            return sk_X509_value(known, i);
    return NULL;
}

/* From the chain that was built, which may be incomplete, else from what the server sent; NULL =
 * unknown. */
static X509 *find_issuer(X509_STORE_CTX *store, X509 *leaf)
{
    X509 *found = find_issuer_in(X509_STORE_CTX_get0_chain(store), leaf);
    return found ? found : find_issuer_in(X509_STORE_CTX_get0_untrusted(store), leaf);
}

static int on_certificate(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_verification *verification = tls_verification_of(ssl);
    forget(verification);
    verification->chain = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(store));
    int result = verify(store, arg, verification);
    verification->issuer = find_issuer(store, X509_STORE_CTX_get0_cert(store));
    if (verification->issuer)
        X509_up_ref(verification->issuer);
    return result;
}

/* As OpenSSL prepares it for a server's certificate, ssl/ssl_cert.c. */
static bool prepare_again(X509_STORE_CTX *store, SSL *ssl, STACK_OF(X509) * chain)
{
    X509_STORE *trusted = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (!X509_STORE_CTX_init(store, trusted, sk_X509_value(chain, 0), chain) ||
        !X509_STORE_CTX_set_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) ||
        !X509_STORE_CTX_set_default(store, "ssl_server"))
        return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    return X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl));
}

bool tls_verify_again(struct tls_context *ctx, SSL *ssl, STACK_OF(X509) * chain)
{
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    bool accepted = store && prepare_again(store, ssl, chain) && on_certificate(store, ctx) == 1;
    if (accepted)
        SSL_set_verify_result(ssl, X509_STORE_CTX_get_error(store));
    else
        forget(tls_verification_of(ssl));
    X509_STORE_CTX_free(store);
    return accepted;
}

static void note_revocation(struct tls_verification *v, X509 *leaf, const char *revoked)
{
    char subject[120];
    tls_certificate_name(X509_get_subject_name(leaf), subject, sizeof subject);
    snprintf(
        v->text, sizeof v->text,
        "the certificate \"%s\" was revoked on %s, according to the OCSP response that the server "
        "stapled",
        subject, revoked);
    v->remedy = "renew it on the server";
    v->untrusted = true;
    v->error = X509_V_ERR_CERT_REVOKED;
    v->depth = 0;
}

/* SSL_CTX_set_tlsext_status_cb(3): after the certificate, stapled or not. 0 ends the handshake. */
static int on_staple(SSL *ssl, void *arg)
{
    const struct tls_context *ctx = arg;
    struct tls_verification *verification = tls_verification_of(ssl);
    const unsigned char *der = NULL;
    long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    if (!der || n <= 0 || !leaf)
        return 1;

    char revoked[TLS_REVOKED_BYTES];
    verification->staple = tls_ocsp_check(der, n, leaf, verification->issuer, revoked);
    if (verification->staple != TLS_OCSP_REVOKED || ctx->trust == TLS_TRUST_PIN)
        return 1;
    note_revocation(verification, leaf, revoked);
    SSL_set_verify_result(ssl, verification->error);
    return ctx->trust == TLS_TRUST_ANY;
}

/* SSL_CTX_set_cert_cb(3): the server requests a client certificate. */
static int on_request(SSL *ssl, void *arg)
{
    (void)arg;
    tls_verification_of(ssl)->requested_client_certificate = true;
    return 1;
}

void tls_verify_install(struct tls_context *ctx)
{
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl, on_certificate, ctx);
    SSL_CTX_set_cert_cb(ctx->ssl, on_request, NULL);
    SSL_CTX_set_tlsext_status_type(ctx->ssl,
                                   TLSEXT_STATUSTYPE_ocsp); /* RFC 6066 §8: requests a staple */
    SSL_CTX_set_tlsext_status_cb(ctx->ssl, on_staple);
    SSL_CTX_set_tlsext_status_arg(ctx->ssl, ctx);
}

int tls_verify_prepare(SSL *ssl, const char *server_name, struct error *err)
{
    /* RFC 9525 §6.3: the subject's CN is never used, and `f*.example` is not a wildcard.
     */
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    /* Certificates contain neither the scope of an address nor the final dot of a name. */
    char name[PEER_NAME_BYTES] = "";
    bool address = endpoint_host_is_address(server_name);
    size_t length = strcspn(server_name, "%");
    if (!address && !endpoint_host_is_name(server_name))
        return error_set(err, ERROR_INPUT,
                         "\"%.160s\" is not a server name: give a host name or an address",
                         server_name);
    if (server_name[length - 1] == '.')
        length--;
    if (length >= sizeof name)
        return error_set(err, ERROR_INPUT, "the server name has %zu bytes: give at most %d", length,
                         PEER_NAME_BYTES - 1);
    memcpy(name, server_name, length);

    bool done = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
                        : SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
    return done ? 0 : tls_error_set(err, ERROR_SYSTEM, "set the server's name");
}
