/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "mutual.h"
#include "suite.h"

START_TEST(describes_a_client)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        struct foreign_result result = mutual_accepted();
        ck_assert(result.peer.certificate.present);
        ck_assert(result.peer.certificate.verified);
        ck_assert_str_eq(result.peer.certificate.subject, "CN=leaf");
        ck_assert_str_eq(result.peer.certificate.names,
                         "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    }
}
END_TEST

START_TEST(refuses_a_client_without_a_certificate_where_one_is_required)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_use_version("1.3");
    mutual_rejected(CERTIFICATE_REQUIRED, "no client certificate, and one is required");
    mutual_use_version("1.2");
    mutual_rejected(HANDSHAKE_FAILURE, "no client certificate, and one is required");
}
END_TEST

START_TEST(accepts_clients_without_a_certificate_where_it_is_optional)
{
    mutual_require(TLS_CLIENT_AUTH_OPTIONAL);
    struct foreign_result result = mutual_accepted();
    ck_assert(!result.peer.certificate.present);
    ck_assert(!result.peer.certificate.verified);
    mutual_use_version("1.3");
    foreign_present(&client, &leaf, NULL);
    result = mutual_accepted();
    ck_assert(result.peer.certificate.verified);
    mutual_use_version("1.3");
    foreign_present(&client, &other_ca, NULL);
    mutual_rejected(UNKNOWN_CA, "not trusted");
}
END_TEST

START_TEST(requests_no_certificate_where_it_is_off)
{
    mutual_require(TLS_CLIENT_AUTH_OFF);
    foreign_present(&client, &leaf, NULL);
    struct foreign_result result = mutual_accepted();
    ck_assert(!result.peer.certificate.present);
}
END_TEST

START_TEST(names_its_cas_to_the_client)
{
    mutual_use_ca(server, &ca, &other_ca);
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &leaf, NULL);
    ck_assert_int_eq(mutual_accepted().cas, 2);
}
END_TEST

START_TEST(client_authentication_needs_a_bundle)
{
    mutual_refused(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err),
                   "name the bundle");
    mutual_ok(tls_context_allow_name(server, "DNS:a", &err));
    mutual_refused(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_OPTIONAL, &err),
                   "name the bundle");
    mutual_refused(tls_context_use_client_ca(server, folder_write(&folder, "x", "x", 1), &err),
                   "has no certificate");
}
END_TEST

START_TEST(refuses_certificates_that_its_cas_did_not_issue)
{
    struct pki forged_ca = pki_make(&(struct pki_spec){.subject = "Client CA", .ca = true});
    struct pki untrusted =
        pki_make(&(struct pki_spec){.subject = "untrusted", .issuer = &other_ca});
    struct pki forged = pki_make(&(struct pki_spec){.subject = "forged", .issuer = &forged_ca});
    struct pki self = pki_make(&(struct pki_spec){.subject = "self"});
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_rejects(
        &untrusted, NULL, UNKNOWN_CA,
        "client certificate \"CN=untrusted\" refused: its issuer \"CN=Other CA\" is not");
    mutual_rejects(&untrusted, &other_ca, UNKNOWN_CA, "its issuer \"CN=Other CA\" is not trusted");
    mutual_rejects(&under_middle, NULL, UNKNOWN_CA, "its issuer \"CN=Middle\" is not trusted");
    mutual_rejects(&self, NULL, UNKNOWN_CA, "\"CN=self\" refused: self-signed and not trusted");
    mutual_rejects(&forged, NULL, BAD_CERTIFICATE, "\"CN=forged\" refused: certificate signature");
    foreign_present(&client, &under_middle, &middle);
    mutual_accepted();
    pki_free(&self);
    pki_free(&forged);
    pki_free(&untrusted);
    pki_free(&forged_ca);
}
END_TEST

/* `under` with its CA and so many more certificates than the two. */
static void present_chain(int more, size_t name_bytes)
{
    char name[32 * 1024] = "URI:";
    memset(name + 4, 'a', name_bytes);
    struct pki other = pki_make(&(struct pki_spec){.subject = "Middle", .names = name});
    foreign_present(&client, &under_middle, &middle);
    for (int i = 0; i < more; i++)
        ck_assert_int_eq(SSL_CTX_add1_chain_cert(client.ctx, other.certificate), 1);
    pki_free(&other);
}

START_TEST(reads_eight_certificates_and_no_more)
{
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        present_chain(6, 1);
        mutual_accepted();
        mutual_use_version(versions[i]);
        present_chain(7, 1);
        mutual_rejected(DECODE_ERROR, "client certificate \"CN=under\" refused: its chain has 9 "
                                      "certificates, and at most 8 are read");
    }
}
END_TEST

START_TEST(reads_no_chain_above_32_kib)
{
    mutual_require(TLS_CLIENT_AUTH_OPTIONAL);
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        present_chain(1, 31000);
        mutual_accepted();
        mutual_use_version(versions[i]);
        present_chain(2, 31000);
        mutual_rejected(ILLEGAL_PARAMETER,
                        "the client's chain is refused, as it has more than 32 KiB");
    }
}
END_TEST

START_TEST(never_parses_explicit_curve_parameters_of_a_client)
{
    struct pki explicit = pki_make(&(struct pki_spec){.subject = "odd", .explicit_curve = true});
    mutual_require(TLS_CLIENT_AUTH_OPTIONAL);
    mutual_rejects(
        &leaf, &explicit, DECODE_ERROR,
        "client certificate \"CN=leaf\" refused: its chain has a key with explicit curve");
    pki_free(&explicit);
}
END_TEST

START_TEST(refuses_a_certificate_out_of_its_time)
{
    struct pki_spec spec = {.subject = "old", .issuer = &ca, .starts_days = -20, .ends_days = -10};
    struct pki old = pki_make(&spec);
    spec.starts_days = 10, spec.ends_days = 20, spec.subject = "young";
    struct pki young = pki_make(&spec);
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_rejects(&old, NULL, CERTIFICATE_EXPIRED,
                   "client certificate \"CN=old\" refused: expired on 20");
    mutual_rejects(&young, NULL, BAD_CERTIFICATE, "\"CN=young\" refused: not valid before 20");
    pki_free(&young);
    pki_free(&old);
}
END_TEST

START_TEST(refuses_a_certificate_that_is_for_servers_or_weak)
{
    struct pki of_server =
        pki_make(&(struct pki_spec){.subject = "s", .usage = "serverAuth", .issuer = &ca});
    struct pki weak = pki_make(
        &(struct pki_spec){.subject = "weak", .rsa = true, .rsa_bits = 1024, .issuer = &ca});
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_rejects(&of_server, NULL, UNSUPPORTED_CERTIFICATE,
                   "\"CN=s\" refused: unsuitable certificate");
    mutual_rejects(&weak, NULL, BAD_CERTIFICATE,
                   "\"CN=weak\" refused: EE certificate key too weak");
    pki_free(&weak);
    pki_free(&of_server);
}
END_TEST

START_TEST(trusts_an_intermediate_without_its_root)
{
    mutual_use_ca(server, &middle, NULL);
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &under_middle, NULL);
    mutual_accepted();
    foreign_present(&client, &under_middle, &middle);
    mutual_accepted();
    mutual_rejects(&leaf, NULL, UNKNOWN_CA, "is not trusted");
}
END_TEST

START_TEST(trusts_a_clients_own_certificate)
{
    mutual_use_ca(server, &leaf, NULL);
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &leaf, NULL);
    mutual_accepted();
    mutual_rejects(&under_middle, &middle, UNKNOWN_CA, "is not trusted");
}
END_TEST

/* Adds CAs to a bundle, the last of them twice. They share a key: only their names matter. */
static void add_cas(const char *bundle, int first, int end)
{
    enum { NAME_LENGTH = 60 };
    FILE *file = fopen(bundle, "a");
    ck_assert_ptr_nonnull(file);
    for (int i = first; i < end; i++) {
        char name[NAME_LENGTH + 1];
        snprintf(name, sizeof name, "%0*d", NAME_LENGTH, i);
        struct pki another =
            pki_make(&(struct pki_spec){.subject = name, .ca = true, .key_of = &ca});
        for (int copies = i == end - 1 ? 2 : 1; copies > 0; copies--)
            ck_assert_int_eq(PEM_write_X509(file, another.certificate), 1);
        pki_free(&another);
    }
    ck_assert_int_eq(fclose(file), 0);
}

static void names_cas(size_t count, bool fits)
{
    size_t warnings;
    char text[64];
    snprintf(text, sizeof text, "the names of %zu CAs", count);
    tls_context_free(server);
    server = mutual_new_server();
    mutual_ok(tls_context_use_client_ca(server, folder_file(&folder, "ca.pem"), &err));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    const struct tls_warning *warning = tls_context_warnings(server, &warnings);
    ck_assert_uint_eq(warnings, fits ? 0 : 1);
    if (!fits) {
        ck_assert_str_eq(warning->event, "client_ca_names_omitted");
        ck_assert_ptr_nonnull(strstr(warning->reason, text));
    }
    for (size_t i = 0; i < 2; i++) {
        mutual_use_version(versions[i]);
        foreign_present(&client, &leaf, NULL);
        int cas = mutual_accepted().cas; /* -1 on TLS 1.3: no list at all */
        ck_assert_int_eq(cas > 0 ? cas : 0, fits ? (int)count : 0);
    }
}

START_TEST(names_no_cas_where_a_request_cannot_carry_all)
{
    enum { FIT = 700, TOO_MANY = 900 };
    pki_write_certificate(&folder, "ca.pem", &ca);
    add_cas(folder_file(&folder, "ca.pem"), 0, FIT);
    names_cas(FIT + 1, true);
    add_cas(folder_file(&folder, "ca.pem"), FIT, TOO_MANY);
    names_cas(TOO_MANY + 1, false);
}
END_TEST

START_TEST(allows_only_names_that_match)
{
    static const char *const patterns[] = {"DNS:*.example.org", "URI:spiffe://td/ns/*/sa",
                                           "email:*@example.org"};
    for (size_t i = 0; i < 3; i++) {
        tls_context_free(server);
        server = mutual_new_server();
        mutual_ok(tls_context_allow_name(server, "DNS:elsewhere.example", &err));
        mutual_ok(tls_context_allow_name(server, patterns[i], &err));
        mutual_require(TLS_CLIENT_AUTH_REQUIRED);
        foreign_present(&client, &leaf, NULL);
        mutual_accepted();
    }
}
END_TEST

START_TEST(refuses_names_that_do_not_match)
{
    struct pki nameless = pki_make(&(struct pki_spec){.subject = "b.example.org", .issuer = &ca});
    mutual_ok(tls_context_allow_name(server, "DNS:b.example.org", &err));
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_rejects(&leaf, NULL, BAD_CERTIFICATE,
                   "client certificate \"CN=leaf\" refused: name not allowed: it is for "
                   "DNS:a.example.org, URI:spiffe://td/ns/x/sa, email:a@example.org");
    ck_assert_int_eq(foreign_shake(&client, server).err.kind, ERROR_NAME_MISMATCH);
    mutual_rejects(&nameless, NULL, BAD_CERTIFICATE, "name not allowed: it is for no name at all");
    mutual_refused(tls_context_allow_name(server, "b.example.org", &err), "write DNS:");
    pki_free(&nameless);
}
END_TEST

START_TEST(refuses_the_text_of_an_allowed_name_in_names_of_other_kinds)
{
    static const struct {
        const char *allowed, *names;
    } cases[] = {
        {"DNS:a.example.org", "URI:a.example.org,email:a.example.org"},
        {"URI:spiffe://td/x", "DNS:spiffe://td/x,email:spiffe://td/x"},
        {"email:a@example.org", "DNS:a@example.org,URI:a@example.org"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pki other = pki_make(
            &(struct pki_spec){.subject = "other", .names = cases[i].names, .issuer = &ca});
        tls_context_free(server);
        server = mutual_new_server();
        mutual_ok(tls_context_allow_name(server, cases[i].allowed, &err));
        mutual_require(TLS_CLIENT_AUTH_REQUIRED);
        mutual_rejects(&other, NULL, BAD_CERTIFICATE, "name not allowed");
        pki_free(&other);
    }
}
END_TEST

START_TEST(checks_the_chain_before_the_name)
{
    struct pki untrusted = pki_make(
        &(struct pki_spec){.subject = "untrusted", .names = "DNS:a.example", .issuer = &other_ca});
    mutual_ok(tls_context_allow_name(server, "DNS:a.example", &err));
    mutual_require(TLS_CLIENT_AUTH_REQUIRED);
    mutual_rejects(&untrusted, NULL, UNKNOWN_CA, "is not trusted");
    pki_free(&untrusted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_client_auth");
    TCase *tcase = tcase_create("certificates");
    tcase_add_checked_fixture(tcase, mutual_set_up, mutual_tear_down);
    tcase_add_test(tcase, describes_a_client);
    tcase_add_test(tcase, refuses_a_client_without_a_certificate_where_one_is_required);
    tcase_add_test(tcase, accepts_clients_without_a_certificate_where_it_is_optional);
    tcase_add_test(tcase, requests_no_certificate_where_it_is_off);
    tcase_add_test(tcase, names_its_cas_to_the_client);
    tcase_add_test(tcase, client_authentication_needs_a_bundle);
    tcase_add_test(tcase, refuses_certificates_that_its_cas_did_not_issue);
    tcase_add_test(tcase, reads_eight_certificates_and_no_more);
    tcase_add_test(tcase, reads_no_chain_above_32_kib);
    tcase_add_test(tcase, never_parses_explicit_curve_parameters_of_a_client);
    tcase_add_test(tcase, refuses_a_certificate_out_of_its_time);
    tcase_add_test(tcase, refuses_a_certificate_that_is_for_servers_or_weak);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("bundle");
    tcase_add_checked_fixture(tcase, mutual_set_up, mutual_tear_down);
    tcase_add_test(tcase, trusts_an_intermediate_without_its_root);
    tcase_add_test(tcase, trusts_a_clients_own_certificate);
    tcase_add_test(tcase, names_no_cas_where_a_request_cannot_carry_all);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("names");
    tcase_add_checked_fixture(tcase, mutual_set_up, mutual_tear_down);
    tcase_add_test(tcase, allows_only_names_that_match);
    tcase_add_test(tcase, refuses_names_that_do_not_match);
    tcase_add_test(tcase, refuses_the_text_of_an_allowed_name_in_names_of_other_kinds);
    tcase_add_test(tcase, checks_the_chain_before_the_name);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
