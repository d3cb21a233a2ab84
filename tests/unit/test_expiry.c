/* SPDX-License-Identifier: MIT */
#include "tlsecho/expiry.h"

#include <check.h>
#include <string.h>
#include <time.h>

#include "captured_log.h"
#include "suite.h"
#include "tlsecho/clock.h"

enum { MINUTE = 60, DAY = 24 * 3600 };

static int64_t now;
static struct settings_certificate certificate;
static struct config_tls profile;
static int64_t crl_until;
static struct config config;
static struct settings settings;

/* Everything is in date for a year. */
static void set_up(void)
{
    static char name[] = "web", crl[] = "/tls/crl.pem";
    now = (int64_t)time(NULL);
    crl_until = now + 365 * DAY;
    certificate = (struct settings_certificate){
        .profile = name,
        .file = "/tls/a.pem",
        .staple = "/tls/a.ocsp",
        .staple_until = now + 365 * DAY,
        .description = {.subject = "CN=a", .not_before = now - DAY, .not_after = now + 365 * DAY},
    };
    profile = (struct config_tls){.name.value = name, .crl.value = crl};
    config = (struct config){.profiles = &profile, .profile_count = 1};
    settings = (struct settings){.config = &config,
                                 .certificates = &certificate,
                                 .certificate_count = 1,
                                 .crl_until = &crl_until};
    captured_log_open(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
}

static void tear_down(void)
{
    captured_log_close();
}

static void assert_says_nothing(void)
{
    expiry_log(&settings);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

/* One warning, of that event, about that file, subject or none, and date. */
static void assert_warns(const char *about, const char *date_key, int64_t date)
{
    char text[CLOCK_TEXT_BYTES], expected[512];
    clock_seconds_text(date, text);
    snprintf(expected, sizeof expected, "level=warning %s %s=%s reason=", about, date_key, text);
    expiry_log(&settings);
    const char *line = captured_log_line();
    ck_assert_msg(strstr(line, expected) != NULL, "%s\nexpected %s", line, expected);
    log_reason(LOG_LEVEL_INFO, "marker", "");
    ck_assert_ptr_nonnull(strstr(captured_log_line(), "event=marker"));
}

START_TEST(says_nothing_of_what_is_in_date)
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

START_TEST(warns_of_a_certificate_that_has_ended)
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

START_TEST(warns_of_a_crl_that_is_out_of_date)
{
    static char none[] = "";
    crl_until = now - 1;
    assert_warns("event=crl_expired profile=web file=/tls/crl.pem", "next_update", crl_until);
    profile.crl.value = none;
    assert_says_nothing();
}
END_TEST

START_TEST(only_a_self_signed_certificate_near_its_end_is_ours_to_renew)
{
    ck_assert(!expiry_is_ours(&settings));
    certificate.description.not_after = now + DAY;
    ck_assert(!expiry_is_ours(&settings));
    certificate.file = NULL;
    ck_assert(expiry_is_ours(&settings));
    certificate.description.not_after = now + 31 * DAY;
    ck_assert(!expiry_is_ours(&settings));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("expiry");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, says_nothing_of_what_is_in_date);
    tcase_add_test(tcase, warns_of_a_certificate_in_its_last_30_days);
    tcase_add_test(tcase, warns_of_a_certificate_that_has_ended);
    tcase_add_test(tcase, warns_of_a_certificate_that_is_not_valid_yet);
    tcase_add_test(tcase, a_self_signed_certificate_has_no_file);
    tcase_add_test(tcase, warns_of_a_staple_that_is_out_of_date);
    tcase_add_test(tcase, only_a_self_signed_certificate_near_its_end_is_ours_to_renew);
    tcase_add_test(tcase, warns_of_a_crl_that_is_out_of_date);

    Suite *suite = suite_create("expiry");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
