/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <time.h>

#include "tls_context_internal.h"
#include "tls_ocsp.h"
#include "tls_screen.h"

#include "folder.h"
#include "pair.h"
#include "pki.h"
#include "suite.h"

enum { DAY_S = 86400 };

static struct pki ca, leaf, other, root;

static void set_up(void)
{
    root = pki_make(&(struct pki_spec){.subject = "Root", .ca = true});
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true, .issuer = &root});
    leaf = pki_make(&(struct pki_spec){.subject = "leaf", .names = "DNS:localhost", .issuer = &ca});
    other = pki_make(&(struct pki_spec){.subject = "other", .issuer = &ca});
}

static void tear_down(void)
{
    pki_free(&other);
    pki_free(&leaf);
    pki_free(&ca);
    pki_free(&root);
}

struct response {
    const struct pki *about, *signer; /* NULL = leaf, ca */
    int status, reason;               /* V_OCSP_CERTSTATUS_*, OCSP_REVOKED_STATUS_* */
    long from_s, until_s;             /* from now; both 0 = yesterday to tomorrow */
    bool sha256;
};

static int der_of(const struct response *r, unsigned char **ret)
{
    const struct pki *signer = r->signer ? r->signer : &ca;
    bool usual = r->from_s == 0 && r->until_s == 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, usual ? -DAY_S : r->from_s);
    ASN1_TIME *until = X509_gmtime_adj(NULL, usual ? DAY_S : r->until_s);
    ASN1_TIME *revoked = ASN1_TIME_set(NULL, 1767323045); /* 2026-01-02 03:04:05 */
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(r->sha256 ? EVP_sha256() : EVP_sha1(),
                                      (r->about ? r->about : &leaf)->certificate, ca.certificate);
    ck_assert_ptr_nonnull(
        OCSP_basic_add1_status(basic, id, r->status, r->reason, revoked, from, until));
    ck_assert_int_eq(
        OCSP_basic_sign(basic, signer->certificate, signer->key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int n = i2d_OCSP_RESPONSE(response, ret);
    ck_assert_int_gt(n, 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
    return n;
}

static const char *checked(const struct response *r, char revoked[TLS_REVOKED_BYTES])
{
    unsigned char *der = NULL;
    int n = der_of(r, &der);
    enum tls_ocsp found = tls_ocsp_check(der, n, leaf.certificate, ca.certificate, revoked);
    OPENSSL_free(der);
    return tls_ocsp_name(found);
}

#define CHECKED(...) checked(&(struct response){__VA_ARGS__}, (char[TLS_REVOKED_BYTES]){0})

START_TEST(trusts_the_issuer)
{
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD), "good");
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .sha256 = true), "good");
}
END_TEST

START_TEST(reports_when_and_why_it_was_revoked)
{
    char revoked[TLS_REVOKED_BYTES];
    struct response r = {.status = V_OCSP_CERTSTATUS_REVOKED,
                         .reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE};
    ck_assert_str_eq(checked(&r, revoked), "revoked");
    ck_assert_str_eq(revoked, "2026-01-02 03:04 UTC (keyCompromise)");
    r.reason = OCSP_REVOKED_STATUS_NOSTATUS;
    r.from_s = -2 * DAY_S;
    r.until_s = -DAY_S; /* an old response revokes too */
    ck_assert_str_eq(checked(&r, revoked), "revoked");
    ck_assert_str_eq(revoked, "2026-01-02 03:04 UTC");
}
END_TEST

START_TEST(reports_a_response_that_is_out_of_date)
{
    ck_assert_str_eq(
        CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .from_s = -2 * DAY_S, .until_s = -DAY_S),
        "expired");
    ck_assert_str_eq(
        CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .from_s = DAY_S, .until_s = 2 * DAY_S),
        "expired");
}
END_TEST

START_TEST(is_invalid_about_anything_else)
{
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .about = &other), "invalid");
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_UNKNOWN), "invalid");
}
END_TEST

START_TEST(is_invalid_from_any_other_signer)
{
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .signer = &root), "invalid");
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .signer = &other), "invalid");
}
END_TEST

START_TEST(trusts_a_responder_that_the_issuer_authorised)
{
    struct pki responder = pki_make(&(struct pki_spec){.subject = "responder", .issuer = &ca});
    X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "OCSPSigning");
    ck_assert_int_eq(X509_add_ext(responder.certificate, usage, -1), 1);
    ck_assert_int_gt(X509_sign(responder.certificate, ca.key, EVP_sha256()), 0);
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .signer = &responder), "good");
    X509_EXTENSION_free(usage);
    pki_free(&responder);
}
END_TEST

START_TEST(its_certificates_are_screened_before_they_are_parsed)
{
    struct pki explicit =
        pki_make(&(struct pki_spec){.subject = "responder", .issuer = &ca, .explicit_curve = true});
    const struct tls_screen_limits one = {1, 500}, none = {0, 500};
    unsigned char *der = NULL;
    int n = der_of(&(struct response){.status = V_OCSP_CERTSTATUS_GOOD}, &der);
    ck_assert_int_eq(tls_screen_ocsp(der, (size_t)n, &one), TLS_SCREEN_OK);
    ck_assert_int_eq(tls_screen_ocsp(der, (size_t)n, &none), TLS_SCREEN_TOO_MANY);
    OPENSSL_free(der);
    der = NULL;
    n = der_of(&(struct response){.status = V_OCSP_CERTSTATUS_GOOD, .signer = &explicit}, &der);
    ck_assert_int_eq(tls_screen_ocsp(der, (size_t)n, &one), TLS_SCREEN_EXPLICIT_CURVE);
    OPENSSL_free(der);
    ck_assert_str_eq(CHECKED(.status = V_OCSP_CERTSTATUS_GOOD, .signer = &explicit), "invalid");
    pki_free(&explicit);
}
END_TEST

START_TEST(is_invalid_if_it_is_no_response)
{
    char revoked[TLS_REVOKED_BYTES];
    const unsigned char garbage[] = "garbage";
    ck_assert_int_eq(
        tls_ocsp_check(garbage, sizeof garbage, leaf.certificate, ca.certificate, revoked),
        TLS_OCSP_INVALID);
    /* RFC 6960 §4.2.1: tryLater, and nothing else */
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
    unsigned char *der = NULL;
    int n = i2d_OCSP_RESPONSE(response, &der);
    ck_assert_int_eq(tls_ocsp_check(der, n, leaf.certificate, ca.certificate, revoked),
                     TLS_OCSP_INVALID);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
}
END_TEST

START_TEST(is_invalid_where_the_issuer_is_unknown)
{
    char revoked[TLS_REVOKED_BYTES];
    unsigned char *der = NULL;
    int n = der_of(&(struct response){.status = V_OCSP_CERTSTATUS_GOOD}, &der);
    ck_assert_int_eq(tls_ocsp_check(der, n, leaf.certificate, NULL, revoked), TLS_OCSP_INVALID);
    OPENSSL_free(der);
}
END_TEST

/* A server that staples any response, even one that tlsecho-server would refuse. OpenSSL 3.6 only
 * staples what it can parse and is about a certificate of the chain. */
static int staple(SSL *ssl, void *arg)
{
    unsigned char *der = NULL;
    int n = der_of(arg, &der);
    SSL_set_tlsext_status_ocsp_resp(ssl, der, n);
    return SSL_TLSEXT_ERR_OK;
}

enum trust { CHAIN, PIN, ANY };

/* The handshake of a client with a server that staples this. */
static enum io_status shake(struct response *r, enum trust trust, const char *version,
                            struct peer *ret, struct error *err)
{
    struct folder folder;
    struct tls_context *client, *server;
    folder_new(&folder);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &server, err), 0);
    struct peer_certificate about = pki_present_chain(&folder, &leaf, &ca, server);
    ck_assert_int_eq(tls_context_set_versions(server, NULL, version, err), 0);
    SSL_CTX_set_tlsext_status_cb(server->ssl, staple);
    SSL_CTX_set_tlsext_status_arg(server->ssl, r);
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &client, err), 0);
    pki_trust(&folder, &root, client);
    if (trust == PIN)
        ck_assert_int_eq(tls_context_pin(client, about.sha256, err), 0);
    if (trust == ANY)
        tls_context_trust_any(client);

    enum io_status status = pair_meet(client, server, "localhost", ret, err);
    tls_context_free(client);
    tls_context_free(server);
    folder_remove(&folder);
    return status;
}

static const char *const versions[] = {"1.2", "1.3"};

START_TEST(a_client_reports_a_good_staple)
{
    struct peer peer;
    struct error err;
    struct response good = {.status = V_OCSP_CERTSTATUS_GOOD};
    ck_assert_int_eq(shake(&good, CHAIN, versions[_i], &peer, &err), IO_OK);
    ck_assert_str_eq(peer.staple, "good");
    ck_assert(peer.certificate.verified);
}
END_TEST

START_TEST(a_client_trusts_no_certificate_that_was_revoked)
{
    struct peer peer;
    struct error err;
    struct response revoked = {.status = V_OCSP_CERTSTATUS_REVOKED,
                               .reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE};
    ck_assert_int_eq(shake(&revoked, CHAIN, versions[_i], &peer, &err), IO_FAILED);
    ck_assert_int_eq(err.kind, ERROR_UNTRUSTED);
    ck_assert_int_eq(err.alert, 113); /* RFC 6066 §8: bad_certificate_status_response */
    ck_assert_ptr_nonnull(strstr(err.text, "\"CN=leaf\" was revoked on 2026-01-02 03:04 UTC "
                                           "(keyCompromise)"));
    ck_assert_ptr_nonnull(strstr(err.text, ": renew it on the server"));
    ck_assert(!peer.certificate.verified);
}
END_TEST

START_TEST(a_client_that_verifies_nothing_only_reports_it)
{
    struct peer peer;
    struct error err;
    struct response revoked = {.status = V_OCSP_CERTSTATUS_REVOKED,
                               .reason = OCSP_REVOKED_STATUS_NOSTATUS};
    ck_assert_int_eq(shake(&revoked, ANY, versions[_i], &peer, &err), IO_OK);
    ck_assert_str_eq(peer.staple, "revoked");
    ck_assert(!peer.certificate.verified);
    ck_assert_ptr_nonnull(strstr(peer.verification, "was revoked on"));
}
END_TEST

START_TEST(a_pin_overrides_a_staple)
{
    struct peer peer;
    struct error err;
    struct response revoked = {.status = V_OCSP_CERTSTATUS_REVOKED,
                               .reason = OCSP_REVOKED_STATUS_NOSTATUS};
    ck_assert_int_eq(shake(&revoked, PIN, versions[_i], &peer, &err), IO_OK);
    ck_assert_str_eq(peer.staple, "revoked");
    ck_assert(peer.certificate.verified);
}
END_TEST

START_TEST(a_staple_without_a_status_changes_nothing)
{
    struct peer peer;
    struct error err;
    struct response old = {
        .status = V_OCSP_CERTSTATUS_GOOD, .from_s = -2 * DAY_S, .until_s = -DAY_S};
    ck_assert_int_eq(shake(&old, CHAIN, versions[_i], &peer, &err), IO_OK);
    ck_assert_str_eq(peer.staple, "expired");
    ck_assert(peer.certificate.verified);
    struct response foreign = {.status = V_OCSP_CERTSTATUS_GOOD, .signer = &other};
    ck_assert_int_eq(shake(&foreign, CHAIN, versions[_i], &peer, &err), IO_OK);
    ck_assert_str_eq(peer.staple, "invalid");
    ck_assert(peer.certificate.verified);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("ocsp");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, trusts_the_issuer);
    tcase_add_test(cases, reports_when_and_why_it_was_revoked);
    tcase_add_test(cases, reports_a_response_that_is_out_of_date);
    tcase_add_test(cases, is_invalid_about_anything_else);
    tcase_add_test(cases, is_invalid_from_any_other_signer);
    tcase_add_test(cases, trusts_a_responder_that_the_issuer_authorised);
    tcase_add_test(cases, its_certificates_are_screened_before_they_are_parsed);
    tcase_add_test(cases, is_invalid_if_it_is_no_response);
    tcase_add_test(cases, is_invalid_where_the_issuer_is_unknown);
    tcase_add_loop_test(cases, a_client_reports_a_good_staple, 0, 2);
    tcase_add_loop_test(cases, a_client_trusts_no_certificate_that_was_revoked, 0, 2);
    tcase_add_loop_test(cases, a_client_that_verifies_nothing_only_reports_it, 0, 2);
    tcase_add_loop_test(cases, a_pin_overrides_a_staple, 0, 2);
    tcase_add_loop_test(cases, a_staple_without_a_status_changes_nothing, 0, 2);

    Suite *suite = suite_create("tls_ocsp");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
