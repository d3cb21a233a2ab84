/* SPDX-License-Identifier: MIT */
/* How a client judges its server's certificate. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls_internal.h"
#include "tlsecho/endpoint.h"

#define OR_INSECURE "or connect with --insecure"

static void describe_untrusted(struct tls_verdict *v, X509 *certificate)
{
    char subject[120] = "", issuer[120] = "";
    if (certificate) {
        tls_name_text(X509_get_subject_name(certificate), subject, sizeof subject);
        tls_name_text(X509_get_issuer_name(certificate), issuer, sizeof issuer);
    }

    switch (v->error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(v->text, sizeof v->text,
                 "the certificate \"%s\" is self-signed and not trusted: give it with --cacert, "
                 "or the SHA-256 that the server logs with --pin, " OR_INSECURE,
                 subject);
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        snprintf(v->text, sizeof v->text,
                 "the issuer \"%s\" is not trusted: give its CA with --cacert, " OR_INSECURE,
                 issuer);
        return;
    }
    snprintf(v->text, sizeof v->text, "the certificate \"%s\" is not trusted: %s, " OR_INSECURE,
             subject, X509_verify_cert_error_string(v->error));
}

static void describe_expired(struct tls_verdict *v, X509 *certificate)
{
    bool late = v->error == X509_V_ERR_CERT_HAS_EXPIRED;
    char date[TLS_DATE_BYTES], subject[120];
    tls_date_text(late ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), date);
    tls_name_text(X509_get_subject_name(certificate), subject, sizeof subject);
    snprintf(v->text, sizeof v->text, "the certificate \"%s\" %s %s UTC: %s, " OR_INSECURE, subject,
             late ? "expired on" : "is not valid before", date,
             late ? "renew it on the server" : "check the clocks of both hosts");
}

static void describe_mismatch(struct tls_verdict *v, X509 *certificate, X509_VERIFY_PARAM *param)
{
    char names[200];
    tls_certificate_names(certificate, TLS_NAMES_OF_HOSTS, names, sizeof names);
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    const char *wanted = host ? host : address ? address : "";

    if (names[0] == '\0')
        snprintf(v->text, sizeof v->text,
                 "the certificate is for no name at all, and not for %s: issue it anew with a "
                 "subjectAltName, " OR_INSECURE,
                 wanted);
    else
        snprintf(v->text, sizeof v->text,
                 "the certificate is for %s, and not for %s: connect to one of its names, or give "
                 "it with --servername, " OR_INSECURE,
                 names, wanted);
    OPENSSL_free(address);
}

static int verify_chain(X509_STORE_CTX *store, struct tls_verdict *v)
{
    struct tls_finding worst = tls_verdict_reach(store, v);
    if (worst.error == X509_V_OK)
        return 1;
    if (v->untrusted)
        describe_untrusted(v, worst.certificate);
    else if (v->expired)
        describe_expired(v, worst.certificate);
    else
        describe_mismatch(v, worst.certificate, X509_STORE_CTX_get0_param(store));
    return 0;
}

static int verify_pin(X509_STORE_CTX *store, struct tls_verdict *v, const unsigned char *pin)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    bool same = X509_digest(leaf, EVP_sha256(), digest, &n) == 1 && n == TLS_PIN_BYTES &&
                memcmp(digest, pin, TLS_PIN_BYTES) == 0;
    X509_STORE_CTX_set_error(store, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    if (same)
        return 1;

    struct peer_certificate about;
    char wanted[2 * TLS_PIN_BYTES + 1];
    tls_describe_certificate(leaf, &about);
    for (int i = 0; i < TLS_PIN_BYTES; i++)
        snprintf(wanted + 2 * i, 3, "%02x", pin[i]);
    v->untrusted = true;
    v->error = X509_V_ERR_CERT_REJECTED;
    snprintf(v->text, sizeof v->text,
             "the certificate is not the pinned one: its SHA-256 is %s, the pin is %s",
             about.sha256, wanted);
    return 0;
}

static int on_certificate(X509_STORE_CTX *store, void *arg)
{
    const struct tls_context *ctx = arg;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_verdict *verdict = tls_verdict_of(ssl);
    switch (ctx->trust) {
    case TLS_TRUST_CHAIN:
        return verify_chain(store, verdict);
    case TLS_TRUST_PIN:
        return verify_pin(store, verdict, ctx->pin);
    case TLS_TRUST_ANYONE:
        /* The session remembers that nobody looked. */
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
        return 1;
    }
    return 0;
}

/* SSL_CTX_set_cert_cb(3): a client is asked for its certificate. */
static int on_request(SSL *ssl, void *arg)
{
    (void)arg;
    tls_verdict_of(ssl)->requested_client_certificate = true;
    return 1;
}

void tls_verify_install(struct tls_context *ctx)
{
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl, on_certificate, ctx);
    SSL_CTX_set_cert_cb(ctx->ssl, on_request, NULL);
}

int tls_verify_prepare(SSL *ssl, const char *server_name, struct error *err)
{
    /* RFC 9525 §6.3, and no guessing: the subject's CN is never a name, `f*.example` no wildcard.
     */
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    /* An address's scope and a name's last dot are not part of what certificates contain. */
    char name[PEER_NAME_BYTES];
    bool address = endpoint_host_is_address(server_name);
    size_t length = address ? strcspn(server_name, "%") : strlen(server_name);
    if (!address && !endpoint_host_is_name(server_name))
        return error_set(err, ERROR_INPUT,
                         "\"%.160s\" can be no server's name: give a host name or an address",
                         server_name);
    if (!address && server_name[length - 1] == '.')
        length--;
    if (length >= sizeof name)
        return error_set(err, ERROR_INPUT, "a server's name of %zu bytes: at most %d", length,
                         PEER_NAME_BYTES - 1);
    memcpy(name, server_name, length);
    name[length] = '\0';

    bool done = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
                        : SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
    return done ? 0 : tls_error_set(err, ERROR_SYSTEM, "set the server's name");
}
