/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "mutual.h"
#include "suite.h"

START_TEST(refuses_a_revoked_client)
{
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crl(server, &leaf));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&leaf, NULL, CERTIFICATE_REVOKED,
                   "client certificate \"CN=leaf\" refused: revoked on 20");
    struct pki good = pki_make(&(struct pki_spec){.subject = "good", .issuer = &ca});
    foreign_present(&client, &good, NULL);
    mutual_accepted();
    pki_free(&good);
}
END_TEST

START_TEST(checks_the_whole_chain_for_revocation)
{
    const struct pki_crl_spec both[] = {{.issuer = &ca, .revoked = &middle}, {.issuer = &middle}};
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(server, both, 2));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&under_middle, &middle, CERTIFICATE_REVOKED,
                   "\"CN=under\" refused: its CA \"CN=Middle\": revoked on 20");
}
END_TEST

START_TEST(refuses_a_client_whose_issuer_has_no_crl)
{
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crl(server, NULL));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&under_middle, &middle, CERTIFICATE_UNKNOWN,
                   "\"CN=under\" refused: there is no CRL of its issuer \"CN=Middle\"");
}
END_TEST

/* Only the client sends that CA, so its CRL could not be verified when it was loaded. */
START_TEST(refuses_a_client_whose_crl_another_key_signed)
{
    const struct pki_crl_spec both[] = {{.issuer = &ca}, {.issuer = &middle, .signer = &other_ca}};
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(server, both, 2));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&under_middle, &middle, CERTIFICATE_UNKNOWN,
                   "client certificate \"CN=under\" refused: CRL signature failure");
}
END_TEST

START_TEST(refuses_all_clients_once_a_crl_is_out_of_date)
{
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(
        server, &(struct pki_crl_spec){.issuer = &ca, .starts_days = -9, .ends_days = -2}, 1));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&leaf, NULL, CERTIFICATE_UNKNOWN,
                   "\"CN=leaf\" refused: crl-expired: the CRL of \"CN=Client CA\" has been out of "
                   "date since 20");
}
END_TEST

START_TEST(refuses_all_clients_as_long_as_a_crl_is_not_valid_yet)
{
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(
        server, &(struct pki_crl_spec){.issuer = &ca, .starts_days = 2, .ends_days = 9}, 1));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&leaf, NULL, CERTIFICATE_UNKNOWN,
                   "the CRL of \"CN=Client CA\" is not valid before 20");
}
END_TEST

START_TEST(returns_when_the_first_crl_will_be_out_of_date)
{
    static const int64_t day = 24L * 3600;
    const struct pki_crl_spec two[] = {{.issuer = &ca, .starts_days = -1, .ends_days = 9},
                                       {.issuer = &other_ca, .starts_days = -1, .ends_days = 5}};
    ck_assert_int_eq(tls_context_crl_expires(server), INT64_MAX);
    mutual_use_ca(server, &ca, &other_ca);
    ck_assert_int_eq(tls_context_crl_expires(server), INT64_MAX);
    mutual_ok(mutual_use_crls(server, two, 2));
    ck_assert_int_le(llabs(tls_context_crl_expires(server) - (time(NULL) + 5 * day)), 60);
}
END_TEST

START_TEST(is_in_date_from_its_first_second_to_its_last)
{
    const struct pki_crl_spec two[] = {{.issuer = &other_ca, .starts_days = -1, .ends_days = 5},
                                       {.issuer = &ca, .starts_days = -1, .ends_days = 9}};
    int64_t begin, date, now = time(NULL);
    ck_assert_int_eq(tls_context_crl_state(server, now, &date), TLS_CRL_IN_DATE); /* has none */
    mutual_use_ca(server, &other_ca, &ca);
    mutual_ok(mutual_use_crls(server, two, 2));
    int64_t end = tls_context_crl_expires(server);
    ck_assert_int_lt(end, now + 6L * 24 * 3600);
    ck_assert_int_eq(tls_context_crl_state(server, end - 1, &date), TLS_CRL_IN_DATE);
    ck_assert_int_eq(tls_context_crl_state(server, end, &date), TLS_CRL_EXPIRED);
    ck_assert_int_eq(date, end);

    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(server, two + 1, 1));
    ck_assert_int_eq(tls_context_crl_state(server, 0, &begin), TLS_CRL_NOT_YET_VALID);
    ck_assert_int_eq(tls_context_crl_state(server, begin - 1, &date), TLS_CRL_NOT_YET_VALID);
    ck_assert_int_eq(tls_context_crl_state(server, begin, &date), TLS_CRL_IN_DATE);
}
END_TEST

START_TEST(requires_a_crl_of_every_ca)
{
    struct pki_crl_spec two[] = {{.issuer = &ca}, {.issuer = &other_ca, .signer = &ca}};
    mutual_use_ca(server, &ca, &other_ca);
    mutual_refused(mutual_use_crls(server, two, 1), "crl.pem has no CRL of \"CN=Other CA\"");
    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, &other_ca);
    mutual_refused(mutual_use_crls(server, two, 2),
                   "crl.pem: CRL 2, of \"CN=Other CA\", is not signed by the CA of that name");
    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, &other_ca);
    two[1].signer = NULL;
    mutual_ok(mutual_use_crls(server, two, 2));
}
END_TEST

START_TEST(refuses_crls_that_are_not_complete)
{
    static const struct {
        struct pki_extension extension, entry;
        const char *text;
    } cases[] = {
        {{"deltaCRL", "critical,DER:020101"}, {0}, "is a delta CRL (RFC 5280"},
        {{"deltaCRL", "DER:020101"}, {0}, "is a delta CRL"},
        {{"issuingDistributionPoint", "critical,DER:30038101FF"}, {0}, "issuingDistributionPoint"},
        {{"issuingDistributionPoint", "DER:3000"}, {0}, "issuingDistributionPoint"},
        {{"1.2.3.4", "critical,DER:0500"}, {0}, "has the critical extension \"1.2.3.4\""},
        {{"crlNumber", "critical,DER:020101"}, {0}, "has the critical extension \"X509v3 CRL N"},
        {{0}, {"certificateIssuer", "critical,DER:3000"}, "is an indirect CRL"},
        {{0}, {"1.2.3.4", "critical,DER:0500"}, "in an entry the critical extension \"1.2.3.4\""},
        {{0}, {"CRLReason", "DER:0A0108"}, "removeFromCRL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct pki_crl_spec both[] = {{.issuer = &ca, .revoked = &leaf},
                                            {.issuer = &ca,
                                             .revoked = &under_middle,
                                             .extension = cases[i].extension,
                                             .entry_extension = cases[i].entry}};
        for (size_t first = 0; first < 2; first++) {
            tls_context_free(server);
            server = mutual_new_server();
            mutual_use_ca(server, &ca, NULL);
            mutual_refused(mutual_use_crls(server, both + first, 2 - first), cases[i].text);
            ck_assert_ptr_nonnull(
                strstr(err.text, first ? "CRL 1, of \"CN=Client CA\"" : "CRL 2, of"));
        }
    }
}
END_TEST

START_TEST(accepts_crls_with_harmless_extensions)
{
    static const struct pki_extension extensions[] = {
        {"crlNumber", "DER:020101"}, {"freshestCRL", "DER:3000"}, {"1.2.3.4", "DER:0500"}};
    static const struct pki_extension reason = {"CRLReason", "DER:0A0101"};
    for (size_t i = 0; i < 3; i++) {
        const struct pki_crl_spec crl = {.issuer = &ca,
                                         .revoked = &under_middle,
                                         .extension = extensions[i],
                                         .entry_extension = reason};
        tls_context_free(server);
        server = mutual_new_server();
        mutual_use_ca(server, &ca, NULL);
        mutual_ok(mutual_use_crls(server, &crl, 1));
    }
}
END_TEST

/* With `ca` alone, and these CRLs of it. */
static void require_with(const struct pki_crl_spec *crls, size_t count)
{
    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(server, crls, count));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
}

START_TEST(uses_the_newest_valid_crl_of_several_by_one_ca)
{
    const struct pki_crl_spec out = {.issuer = &ca, .starts_days = -20, .ends_days = -10},
                              old = {.issuer = &ca, .starts_days = -9, .ends_days = 1},
                              new = {.issuer = &ca,
                                     .revoked = &leaf,
                                     .starts_days = -2,
                                     .ends_days = 9},
                              future = {.issuer = &ca, .starts_days = 1, .ends_days = 20};
    const struct pki_crl_spec files[][4] = {{out, old, new, future}, {future, new, old, out}};
    for (size_t i = 0; i < 2; i++) {
        require_with(files[i], 4);
        mutual_rejects(&leaf, NULL, CERTIFICATE_REVOKED, "revoked on 20");
    }
    const struct pki_crl_spec two[] = {out, old};
    require_with(two, 2);
    foreign_present(&client, &leaf, NULL);
    mutual_accepted();
    ck_assert(mutual_accepted().resumed); /* the one out of date does not count */
}
END_TEST

START_TEST(uses_the_crl_with_the_greater_number_of_several_of_the_same_time)
{
    const struct pki_crl_spec none = {.issuer = &ca},
                              first = {.issuer = &ca, .extension = {"crlNumber", "DER:02017F"}},
                              second = {.issuer = &ca,
                                        .revoked = &leaf,
                                        .extension = {"crlNumber", "DER:02020080"}};
    const struct pki_crl_spec files[][3] = {
        {none, first, second}, {first, second, none}, {second, none, first}, {second, first, none}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        require_with(files[i], 3);
        mutual_rejects(&leaf, NULL, CERTIFICATE_REVOKED, "revoked on 20");
    }
}
END_TEST

START_TEST(refuses_two_crls_of_which_none_is_newer)
{
    const struct pki_crl_spec none = {.issuer = &ca}, other = {.issuer = &ca, .revoked = &leaf},
                              first = {.issuer = &ca, .extension = {"crlNumber", "DER:020105"}},
                              second = {.issuer = &ca,
                                        .revoked = &leaf,
                                        .extension = {"crlNumber", "DER:020105"}},
                              later = {.issuer = &ca, .starts_days = -2, .ends_days = 9};
    const struct pki_crl_spec files[][3] = {
        {none, other, later}, {other, none, later}, {first, second, later}, {second, first, later}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tls_context_free(server);
        server = mutual_new_server();
        mutual_use_ca(server, &ca, NULL);
        mutual_refused(mutual_use_crls(server, files[i], 3),
                       "crl.pem: CRL 2, of \"CN=Client CA\", differs from CRL 1, and neither");
    }
    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, NULL);
    mutual_ok(mutual_use_crls(server, (const struct pki_crl_spec[]){first, later, other}, 3));
}
END_TEST

START_TEST(accepts_a_crl_that_is_there_twice_in_whatever_order_its_entries_are)
{
    const struct pki_crl_spec unsorted = {
        .issuer = &ca, .revoked = &under_middle, .revoked_next = &own};
    require_with((const struct pki_crl_spec[]){unsorted, unsorted}, 2);
    for (size_t i = 0; i < 3; i++) { /* OpenSSL sorts the entries at the first look-up */
        mutual_use_version("1.3");
        foreign_present(&client, &leaf, NULL);
        mutual_accepted();
    }
}
END_TEST

START_TEST(distinguishes_crls_of_cas_of_the_same_name_by_their_keys)
{
    struct pki old = pki_make(&(struct pki_spec){.subject = "CA", .ca = true, .key_ids = true});
    struct pki renewed = pki_make(&(struct pki_spec){.subject = "CA", .ca = true, .key_ids = true});
    struct pki gone =
        pki_make(&(struct pki_spec){.subject = "gone", .issuer = &old, .key_ids = true});
    struct pki fresh =
        pki_make(&(struct pki_spec){.subject = "fresh", .issuer = &renewed, .key_ids = true});
    const struct pki_crl_spec two[] = {
        {.issuer = &old, .revoked = &gone, .starts_days = -9, .ends_days = 9},
        {.issuer = &renewed, .starts_days = -1, .ends_days = 20}};
    mutual_use_ca(server, &old, &renewed);
    mutual_ok(mutual_use_crls(server, two, 2));
    ck_assert_uint_eq(ERR_peek_error(), 0); /* of the key that signed the other one */
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&gone, NULL, CERTIFICATE_REVOKED, "revoked on 20");
    foreign_present(&client, &fresh, NULL);
    mutual_accepted();
    int64_t date;
    ck_assert_int_eq(tls_context_crl_state(server, time(NULL) + 10L * 24 * 3600, &date),
                     TLS_CRL_EXPIRED);
    pki_free(&fresh);
    pki_free(&gone);
    pki_free(&renewed);
    pki_free(&old);
}
END_TEST

START_TEST(refuses_crls_of_a_ca_that_may_not_sign_any)
{
    struct pki mute = pki_make(
        &(struct pki_spec){.subject = "Mute", .ca = true, .key_usage = "critical,keyCertSign"});
    mutual_use_ca(server, &mute, NULL);
    mutual_refused(mutual_use_crls(server, &(struct pki_crl_spec){.issuer = &mute}, 1),
                   "is signed by a CA whose keyUsage does not allow it");
    pki_free(&mute);
}
END_TEST

START_TEST(accepts_a_crl_without_an_end_with_a_warning)
{
    size_t count;
    require_with(&(struct pki_crl_spec){.issuer = &ca, .version_1 = true}, 1);
    tls_context_warnings(server, &count);
    ck_assert_uint_eq(count, 0);
    require_with(&(struct pki_crl_spec){.issuer = &ca, .revoked = &leaf, .endless = true}, 1);
    const struct tls_warning *warnings = tls_context_warnings(server, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(warnings[0].event, "crl_without_end");
    ck_assert_ptr_nonnull(strstr(warnings[0].file, "crl.pem"));
    ck_assert_ptr_nonnull(strstr(warnings[0].reason, "\"CN=Client CA\" has no nextUpdate"));
    mutual_rejects(&leaf, NULL, CERTIFICATE_REVOKED, "revoked on 20");
}
END_TEST

START_TEST(checks_every_certificate_below_the_anchor_for_revocation)
{
    const struct pki_crl_spec of_middle[] = {{.issuer = &middle},
                                             {.issuer = &ca, .revoked = &middle}};
    mutual_use_ca(server, &middle, NULL);
    mutual_ok(mutual_use_crls(server, of_middle, 1));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    foreign_present(&client, &under_middle, NULL);
    mutual_accepted();

    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &middle, NULL);
    mutual_ok(mutual_use_crls(
        server, &(struct pki_crl_spec){.issuer = &middle, .revoked = &under_middle}, 1));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&under_middle, NULL, CERTIFICATE_REVOKED, "revoked on 20");

    tls_context_free(server);
    server = mutual_new_server();
    mutual_use_ca(server, &ca, &middle); /* the root is the anchor where it is known */
    mutual_ok(mutual_use_crls(server, of_middle, 2));
    mutual_ok(tls_context_set_client_auth(server, TLS_CLIENT_AUTH_REQUIRED, &err));
    mutual_rejects(&under_middle, NULL, CERTIFICATE_REVOKED, "its CA \"CN=Middle\": revoked on 20");
    mutual_rejects(&under_middle, &middle, CERTIFICATE_REVOKED,
                   "its CA \"CN=Middle\": revoked on 20");
}
END_TEST

START_TEST(refuses_more_than_sixteen_crls_of_one_ca)
{
    struct pki_crl_spec crls[17];
    for (size_t i = 0; i < 17; i++)
        crls[i] = (struct pki_crl_spec){.issuer = &ca};
    mutual_use_ca(server, &ca, NULL);
    mutual_refused(mutual_use_crls(server, crls, 17), "exceeds the limit of 16 per CA");
    require_with(crls, 16);
}
END_TEST

START_TEST(refuses_a_file_that_is_not_a_crl)
{
    static const char broken[] = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    mutual_refused(mutual_use_crl(server, NULL), "crl needs client_ca");
    mutual_use_ca(server, &ca, NULL);
    mutual_refused(tls_context_use_crl(server, folder_file(&folder, "absent"), &err),
                   "No such file");
    mutual_refused(tls_context_use_crl(server, "/dev/zero", &err), "not a regular file");
    mutual_refused(tls_context_use_crl(server, folder_file(&folder, "ca.pem"), &err),
                   "has no CRL: name a PEM file with -----BEGIN X509 CRL-----");
    mutual_refused(
        tls_context_use_crl(server, folder_write(&folder, "b", broken, sizeof broken - 1), &err),
        "CRL 1 is broken");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_revocation");
    TCase *tcase = tcase_create("revoked");
    tcase_add_checked_fixture(tcase, mutual_set_up, mutual_tear_down);
    tcase_add_test(tcase, refuses_a_revoked_client);
    tcase_add_test(tcase, checks_the_whole_chain_for_revocation);
    tcase_add_test(tcase, refuses_a_client_whose_issuer_has_no_crl);
    tcase_add_test(tcase, refuses_a_client_whose_crl_another_key_signed);
    tcase_add_test(tcase, refuses_all_clients_once_a_crl_is_out_of_date);
    tcase_add_test(tcase, refuses_all_clients_as_long_as_a_crl_is_not_valid_yet);
    tcase_add_test(tcase, returns_when_the_first_crl_will_be_out_of_date);
    tcase_add_test(tcase, is_in_date_from_its_first_second_to_its_last);
    tcase_add_test(tcase, requires_a_crl_of_every_ca);
    tcase_add_test(tcase, refuses_crls_that_are_not_complete);
    tcase_add_test(tcase, accepts_crls_with_harmless_extensions);
    tcase_add_test(tcase, uses_the_newest_valid_crl_of_several_by_one_ca);
    tcase_add_test(tcase, uses_the_crl_with_the_greater_number_of_several_of_the_same_time);
    tcase_add_test(tcase, refuses_two_crls_of_which_none_is_newer);
    tcase_add_test(tcase, accepts_a_crl_that_is_there_twice_in_whatever_order_its_entries_are);
    tcase_add_test(tcase, distinguishes_crls_of_cas_of_the_same_name_by_their_keys);
    tcase_add_test(tcase, refuses_crls_of_a_ca_that_may_not_sign_any);
    tcase_add_test(tcase, accepts_a_crl_without_an_end_with_a_warning);
    tcase_add_test(tcase, checks_every_certificate_below_the_anchor_for_revocation);
    tcase_add_test(tcase, refuses_more_than_sixteen_crls_of_one_ca);
    tcase_add_test(tcase, refuses_a_file_that_is_not_a_crl);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
