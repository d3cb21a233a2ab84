/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/x509_vfy.h>

#include "tls_context_internal.h"
#include "tls_verification.h"

#include "pki.h"
#include "suite.h"

static struct pki ca, other_ca, old;
static X509_STORE *trusted;

static void set_up(void)
{
    struct error err;
    struct tls_context *ctx;
    ck_assert_int_eq(tls_context_new(TLS_CLIENT, &ctx, &err), 0);
    SSL *ssl = SSL_new(ctx->ssl);
    ck_assert_int_eq(tls_verification_attach(ssl, NULL, &err), 0); /* makes the indices */
    SSL_free(ssl);
    tls_context_free(ctx);
    ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    other_ca = pki_make(&(struct pki_spec){.subject = "Other CA", .ca = true});
    old = pki_make(&(struct pki_spec){.subject = "old",
                                      .names = "DNS:elsewhere",
                                      .issuer = &ca,
                                      .starts_days = -20,
                                      .ends_days = -10});
    trusted = X509_STORE_new();
}

static void tear_down(void)
{
    X509_STORE_free(trusted);
    pki_free(&old);
    pki_free(&other_ca);
    pki_free(&ca);
}

/* Verifies a certificate as that of a server named localhost. */
static struct tls_verification reach_of(const struct pki *presented)
{
    struct tls_verification verification = {0};
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    ck_assert_int_eq(X509_STORE_CTX_init(store, trusted, presented->certificate, NULL), 1);
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(store), "localhost", 0);
    struct tls_finding worst = tls_verification_run(store, &verification);
    ck_assert_int_eq(worst.error, verification.error);
    ck_assert_int_eq(X509_STORE_CTX_get_error(store), verification.error);
    X509_STORE_CTX_free(store);
    return verification;
}

static struct tls_verification reach(void)
{
    return reach_of(&old);
}

START_TEST(stops_at_the_first_fault_that_makes_a_chain_untrusted)
{
    X509_STORE_add_cert(trusted, other_ca.certificate);
    struct tls_verification verification = reach();
    ck_assert(verification.untrusted);
    ck_assert_int_eq(verification.error, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    ck_assert(!verification.expired);
}
END_TEST

START_TEST(a_name_or_date_fault_does_not_end_the_search_for_a_worse_one)
{
    X509_STORE_add_cert(trusted, ca.certificate);
    struct tls_verification verification = reach();
    ck_assert(verification.expired && !verification.untrusted);
    ck_assert_int_eq(verification.error, X509_V_ERR_CERT_HAS_EXPIRED);
}
END_TEST

/* OpenSSL begins with the anchor. */
START_TEST(the_first_fault_of_a_kind_is_told)
{
    struct pki old_ca = pki_make(
        &(struct pki_spec){.subject = "Old CA", .ca = true, .starts_days = -30, .ends_days = -15});
    struct pki both_old = pki_make(&(struct pki_spec){.subject = "both",
                                                      .names = "DNS:localhost",
                                                      .issuer = &old_ca,
                                                      .starts_days = -20,
                                                      .ends_days = -10});
    X509_STORE_add_cert(trusted, old_ca.certificate);
    struct tls_verification verification = reach_of(&both_old);
    ck_assert(verification.expired);
    ck_assert_int_eq(verification.depth, 1);
    pki_free(&both_old);
    pki_free(&old_ca);
}
END_TEST

START_TEST(a_forged_signature_overrides_earlier_faults)
{
    struct pki same_name = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    X509_STORE_add_cert(trusted, same_name.certificate);
    struct tls_verification verification = reach();
    ck_assert(verification.untrusted);
    ck_assert_int_eq(verification.error, X509_V_ERR_CERT_SIGNATURE_FAILURE);
    pki_free(&same_name);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("verification");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, stops_at_the_first_fault_that_makes_a_chain_untrusted);
    tcase_add_test(cases, a_name_or_date_fault_does_not_end_the_search_for_a_worse_one);
    tcase_add_test(cases, the_first_fault_of_a_kind_is_told);
    tcase_add_test(cases, a_forged_signature_overrides_earlier_faults);
    Suite *suite = suite_create("tls_verification");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
