/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/expiry.h"

#include <check.h>
#include <string.h>
#include <time.h>

#include "captured_log.h"
#include "folder.h"
#include "pki.h"
#include "suite.h"
#include "tlsecho/base/clock.h"

enum { MINUTE = 60, DAY = 24 * 3600 };

static int64_t now;
static int64_t ahead_s; /* the clock of what is tested */
static struct config_snapshot_certificate certificate;
static struct config_tls profile;
static struct tls_context *context; /* of a server without CRLs */
static struct folder folder;
static struct config config;
static struct config_snapshot snapshot;
static struct error err;

/* The clock of this program and of the library. */
time_t time(time_t *ret)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    clock.tv_sec += (time_t)ahead_s;
    if (ret)
        *ret = clock.tv_sec;
    return clock.tv_sec;
}

/* Everything is valid for a year. */
static void set_up(void)
{
    static char name[] = "web", crl[] = "/tls/crl.pem";
    ahead_s = 0;
    now = (int64_t)time(NULL);
    folder_new(&folder);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &context, &err), 0);
    certificate = (struct config_snapshot_certificate){
        .profile = name,
        .file = "/tls/a.pem",
        .staple = "/tls/a.ocsp",
        .staple_until = now + 365 * DAY,
        .description = {.subject = "CN=a",
                        .not_before = now - 300 * DAY,
                        .not_after = now + 365 * DAY},
    };
    profile = (struct config_tls){.name.value = name, .crl.value = crl};
    config = (struct config){.profiles = &profile, .profile_count = 1};
    snapshot = (struct config_snapshot){.config = &config,
                                        .certificates = &certificate,
                                        .certificate_count = 1,
                                        .contexts = &context};
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
}

static void tear_down(void)
{
    captured_log_close();
    tls_context_free(context);
    folder_remove(&folder);
}

static void assert_says_nothing(void)
{
    expiry_log(&snapshot);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

/* One warning, of that event, about that file, subject or none, and date. */
static void assert_warns(const char *about, const char *date_key, int64_t date)
{
    char text[CLOCK_TEXT_BYTES], expected[512];
    clock_seconds_text(date, text);
    snprintf(expected, sizeof expected, "level=warning %s %s=%s reason=", about, date_key, text);
    expiry_log(&snapshot);
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, expected) != NULL, "%s\nexpected %s", line, expected);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

START_TEST(logs_nothing_of_valid_certificates)
{
    assert_says_nothing();
}
END_TEST

START_TEST(warns_of_a_certificate_in_its_last_30_days)
{
    certificate.description.not_after = now + 30 * DAY + MINUTE;
    assert_says_nothing();
    certificate.description.not_after = now + 30 * DAY - MINUTE;
    assert_warns("event=certificate_expiring profile=web file=/tls/a.pem subject=\"CN=a\"",
                 "not_after", certificate.description.not_after);
    certificate.description.not_after = now + MINUTE;
    assert_warns("event=certificate_expiring profile=web file=/tls/a.pem subject=\"CN=a\"",
                 "not_after", now + MINUTE);
}
END_TEST

START_TEST(warns_of_an_expired_certificate)
{
    certificate.description.not_after = now - 1;
    assert_warns("event=certificate_expired profile=web file=/tls/a.pem subject=\"CN=a\"",
                 "not_after", certificate.description.not_after);
}
END_TEST

START_TEST(warns_of_a_certificate_that_is_not_valid_yet)
{
    certificate.description.not_before = now + MINUTE;
    assert_warns("event=certificate_not_yet_valid profile=web file=/tls/a.pem subject=\"CN=a\"",
                 "not_before", certificate.description.not_before);
}
END_TEST

START_TEST(a_self_signed_certificate_has_no_file)
{
    certificate.file = NULL;
    certificate.description.not_after = now - 1;
    assert_warns("event=certificate_expired profile=web subject=\"CN=a\"", "not_after", now - 1);
}
END_TEST

START_TEST(warns_of_a_staple_that_is_out_of_date)
{
    certificate.staple_until = now - 1;
    assert_warns("event=staple_expired profile=web file=/tls/a.ocsp", "next_update",
                 certificate.staple_until);
    certificate.staple = NULL;
    assert_says_nothing();
}
END_TEST

START_TEST(warns_of_a_short_certificate_in_the_last_third_of_its_life)
{
    certificate.description.not_before = now - 4 * DAY + MINUTE;
    certificate.description.not_after = now + 2 * DAY + MINUTE;
    assert_says_nothing();
    certificate.description.not_before = now - 4 * DAY - MINUTE;
    certificate.description.not_after = now + 2 * DAY - MINUTE;
    assert_warns("event=certificate_expiring profile=web file=/tls/a.pem subject=\"CN=a\"",
                 "not_after", certificate.description.not_after);
}
END_TEST

/* One warning of that event, with a date so many days from now, about a CN=Old in the file. */
static void assert_warns_of_old(const char *event, const char *file, const char *date_key, int days)
{
    char about[200], text[CLOCK_TEXT_BYTES];
    snprintf(about, sizeof about, "event=%s profile=web file=%s subject=\"CN=Old\" %s=", event,
             folder_file(&folder, file), date_key);
    clock_seconds_text(now + days * DAY, text);
    text[sizeof "2026-01-02" - 1] = '\0'; /* it was made a moment later */
    expiry_log(&snapshot);
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, about) != NULL && strstr(line, text) != NULL, "%s", line);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

static struct pki make_old(int starts, int ends)
{
    tls_context_free(context);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &context, &err), 0);
    return pki_make(
        &(struct pki_spec){.subject = "Old", .ca = true, .starts_days = starts, .ends_days = ends});
}

/* The profile's certificate is sent with an issuer of these days from now. */
static void use_issuer(int starts, int ends)
{
    struct peer_certificate about;
    struct pki old = make_old(starts, ends);
    struct pki leaf =
        pki_make(&(struct pki_spec){.subject = "a", .names = "DNS:a", .issuer = &old});
    ck_assert_msg(tls_context_use_certificate(context,
                                              pki_write_chain(&folder, "chain.pem", &leaf, &old),
                                              &about, &err) == 0,
                  "%s", err.text);
    pki_free(&leaf);
    pki_free(&old);
}

START_TEST(warns_of_an_issuer_that_is_sent)
{
    use_issuer(-40, -10);
    assert_warns_of_old("issuer_expired", "chain.pem", "not_after", -10);
    use_issuer(10, 40);
    assert_warns_of_old("issuer_not_yet_valid", "chain.pem", "not_before", 10);
    use_issuer(-40, 10);
    assert_warns_of_old("issuer_expiring", "chain.pem", "not_after", 10);
    use_issuer(-40, 40);
    assert_says_nothing();
}
END_TEST

static void use_client_ca(int starts, int ends)
{
    struct pki old = make_old(starts, ends);
    ck_assert_int_eq(
        tls_context_use_client_ca(context, pki_write_certificate(&folder, "cas.pem", &old), &err),
        0);
    pki_free(&old);
}

START_TEST(warns_of_a_client_ca)
{
    use_client_ca(-40, -10);
    assert_warns_of_old("client_ca_expired", "cas.pem", "not_after", -10);
    use_client_ca(10, 40);
    assert_warns_of_old("client_ca_not_yet_valid", "cas.pem", "not_before", 10);
    use_client_ca(-40, 10);
    assert_warns_of_old("client_ca_expiring", "cas.pem", "not_after", 10);
    use_client_ca(-40, 40);
    assert_says_nothing();
}
END_TEST

START_TEST(warns_of_certificates_that_expire_while_the_server_runs)
{
    use_issuer(-40, 40);
    assert_says_nothing();
    ahead_s = 41 * DAY;
    assert_warns_of_old("issuer_expired", "chain.pem", "not_after", 40);
    ahead_s = 0;
    use_client_ca(-40, 40);
    assert_says_nothing();
    ahead_s = 41 * DAY;
    assert_warns_of_old("client_ca_expired", "cas.pem", "not_after", 40);
}
END_TEST

/* The profile's CA has CRLs of these days from now, one or two. */
static void use_crls(int first_starts, int first_ends, int second_starts, int second_ends)
{
    struct pki ca = pki_make(&(struct pki_spec){.subject = "CA", .ca = true});
    const struct pki_crl_spec specs[] = {
        {.issuer = &ca, .starts_days = first_starts, .ends_days = first_ends},
        {.issuer = &ca, .starts_days = second_starts, .ends_days = second_ends}};
    tls_context_free(context);
    ck_assert_int_eq(tls_context_new(TLS_SERVER, &context, &err), 0);
    ck_assert_int_eq(
        tls_context_use_client_ca(context, pki_write_certificate(&folder, "ca.pem", &ca), &err), 0);
    ck_assert_msg(tls_context_use_crl(context,
                                      pki_write_crls(&folder, "crl.pem", specs,
                                                     second_starts || second_ends ? 2 : 1),
                                      &err) == 0,
                  "%s", err.text);
    pki_free(&ca);
}

static void assert_warns_of_crl(const char *event, const char *date_key, int days)
{
    char about[100], text[CLOCK_TEXT_BYTES];
    snprintf(about, sizeof about, "event=%s profile=web file=/tls/crl.pem %s=", event, date_key);
    clock_seconds_text(now + days * DAY, text);
    text[sizeof "2026-01-02" - 1] = '\0'; /* the CRL was made a moment later */
    expiry_log(&snapshot);
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, about) != NULL && strstr(line, text) != NULL, "%s", line);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

START_TEST(warns_of_a_crl_that_is_out_of_date)
{
    use_crls(-9, -2, 0, 0);
    assert_warns_of_crl("crl_expired", "next_update", -2);
    use_crls(-9, -2, -20, -10);
    assert_warns_of_crl("crl_expired", "next_update", -2);
}
END_TEST

START_TEST(warns_of_a_crl_from_the_future)
{
    use_crls(2, 9, 0, 0);
    assert_warns_of_crl("crl_not_yet_valid", "this_update", 2);
    use_crls(2, 9, -9, -2);
    assert_warns_of_crl("crl_not_yet_valid", "this_update", 2);
}
END_TEST

START_TEST(logs_nothing_of_old_and_future_crls_beside_a_valid_one)
{
    use_crls(-9, -2, -1, 9);
    assert_says_nothing();
    use_crls(2, 9, -1, 9);
    assert_says_nothing();
}
END_TEST

START_TEST(only_a_self_signed_certificate_near_its_end_is_renewed)
{
    ck_assert(!expiry_is_ours(&snapshot));
    certificate.description.not_before = now - 300 * DAY;
    certificate.description.not_after = now + DAY;
    ck_assert(!expiry_is_ours(&snapshot));
    certificate.file = NULL;
    ck_assert(expiry_is_ours(&snapshot));
    certificate.description.not_after = now + 31 * DAY;
    ck_assert(!expiry_is_ours(&snapshot));
    certificate.description.not_before = now + DAY;
    certificate.description.not_after = now + 365 * DAY;
    ck_assert(expiry_is_ours(&snapshot)); /* the clock was wrong when it was made */
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("expiry");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, logs_nothing_of_valid_certificates);
    tcase_add_test(tcase, warns_of_a_certificate_in_its_last_30_days);
    tcase_add_test(tcase, warns_of_an_expired_certificate);
    tcase_add_test(tcase, warns_of_a_certificate_that_is_not_valid_yet);
    tcase_add_test(tcase, a_self_signed_certificate_has_no_file);
    tcase_add_test(tcase, warns_of_a_staple_that_is_out_of_date);
    tcase_add_test(tcase, only_a_self_signed_certificate_near_its_end_is_renewed);
    tcase_add_test(tcase, warns_of_a_short_certificate_in_the_last_third_of_its_life);
    tcase_add_test(tcase, warns_of_an_issuer_that_is_sent);
    tcase_add_test(tcase, warns_of_a_client_ca);
    tcase_add_test(tcase, warns_of_certificates_that_expire_while_the_server_runs);
    tcase_add_test(tcase, warns_of_a_crl_that_is_out_of_date);
    tcase_add_test(tcase, warns_of_a_crl_from_the_future);
    tcase_add_test(tcase, logs_nothing_of_old_and_future_crls_beside_a_valid_one);

    Suite *suite = suite_create("expiry");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
