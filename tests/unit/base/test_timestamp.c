/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/base/timestamp.h"

static struct error err;
static int64_t us;

static const struct {
    const char *text;
    int64_t us;
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-01-02T03:04:05Z", INT64_C(1767323045000000)},
    {"2026-01-02t03:04:05z", INT64_C(1767323045000000)},
    {"2026-01-02 03:04:05+00:00", INT64_C(1767323045000000)}, /* date --rfc-3339=seconds */
    {"2026-01-02T03:04:05-00:00", INT64_C(1767323045000000)},
    {"2026-01-02T04:34:05+01:30", INT64_C(1767323045000000)},
    {"2026-01-01T19:04:05-08:00", INT64_C(1767323045000000)},
    {"2026-01-02T03:04:05.25Z", INT64_C(1767323045250000)},
    {"2026-01-02T03:04:05.123456Z", INT64_C(1767323045123456)},
    {"2026-01-02T03:04:05.123456999Z", INT64_C(1767323045123456)},
    {"2024-02-29T23:59:59Z", INT64_C(1709251199000000)},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
    {"0000-01-01T00:00:00Z", INT64_C(-62167219200000000)},
    {"9999-12-31T23:59:59Z", INT64_C(253402300799000000)},
};

static const struct {
    const char *text, *says;
} wrong[] = {
    {"", "character 1: 4 digits of the year expected"},
    {"now", "character 1: 4 digits of the year"},
    {" 2026-01-02T03:04:05Z", "character 1: 4 digits of the year"},
    {"+2026-01-02T03:04:05Z", "character 1: 4 digits of the year"},
    {"1767323045", "character 5: '-' expected"},
    {"2026/01/02T03:04:05Z", "character 5: '-' expected"},
    {"2026-1-02T03:04:05Z", "character 7: 2 digits of the month"},
    {"2026-00-02T03:04:05Z", "character 6: the month is not between 01 and 12"},
    {"2026-13-02T03:04:05Z", "character 6: the month is not between 01 and 12"},
    {"2026-01-00T03:04:05Z", "character 9: the day is not between 01 and 31"},
    {"2026-04-31T03:04:05Z", "character 9: the day is not between 01 and 30"},
    {"2026-02-29T03:04:05Z", "character 9: the day is not between 01 and 28"},
    {"2100-02-29T03:04:05Z", "character 9: the day is not between 01 and 28"},
    {"2024-02-30T03:04:05Z", "character 9: the day is not between 01 and 29"},
    {"2026-01-02", "character 11: 'T' expected"},
    {"2026-01-02_03:04:05Z", "character 11: 'T' expected"},
    {"2026-01-02T3:04:05Z", "character 13: 2 digits of the hour"},
    {"2026-01-02T24:00:00Z", "character 12: the hour is not between 00 and 23"},
    {"2026-01-02T03.04:05Z", "character 14: ':' expected"},
    {"2026-01-02T03:60:05Z", "character 15: the minute is not between 00 and 59"},
    {"2026-01-02T03:04Z", "character 17: ':' expected"},
    {"2026-12-31T23:59:60Z", "character 18: the clock has no leap seconds"},
    {"2026-12-31T23:59:61Z", "character 18: the second is not between 00 and 60"},
    {"2026-01-02T03:04:05", "character 20: a zone expected, Z or an offset such as +01:00"},
    {"2026-01-02T03:04:05.Z", "character 21: digits of a fraction"},
    {"2026-01-02T03:04:05,5Z", "character 20: a zone expected"},
    {"2026-01-02T03:04:05.5", "character 22: a zone expected"},
    {"2026-01-02T03:04:05 UTC", "character 20: a zone expected"},
    {"2026-01-02T03:04:05+1:00", "character 22: 2 digits of the hour of the offset"},
    {"2026-01-02T03:04:05+0100", "character 23: ':' expected"},
    {"2026-01-02T03:04:05+24:00", "character 21: the hour of the offset"},
    {"2026-01-02T03:04:05+01:60", "character 24: the minute of the offset"},
    {"2026-01-02T03:04:05Zulu", "character 21: nothing can follow the zone"},
    {"2026-01-02T03:04:05Z\n", "character 21: nothing can follow the zone"},
};

enum { TIMES = sizeof times / sizeof *times, WRONG = sizeof wrong / sizeof *wrong };

START_TEST(reads_utc_and_offsets_with_and_without_a_fraction)
{
    ck_assert_msg(timestamp_parse(times[_i].text, &us, &err) == 0, "%s: %s", times[_i].text,
                  err.text);
    ck_assert_int_eq(us, times[_i].us);
}
END_TEST

START_TEST(names_the_place_of_what_is_no_time)
{
    us = 7;
    ck_assert_msg(timestamp_parse(wrong[_i].text, &us, &err) < 0, "%s", wrong[_i].text);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, wrong[_i].says) == err.text, "%s: %s", wrong[_i].text, err.text);
    ck_assert_int_eq(us, 7);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    char text[CLOCK_TEXT_BYTES];
    timestamp_text(INT64_C(1767323045000042), text);
    ck_assert_str_eq(text, "2026-01-02T03:04:05.000042Z");
    ck_assert_int_eq(timestamp_parse(text, &us, &err), 0);
    ck_assert_int_eq(us, INT64_C(1767323045000042));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timestamp");
    TCase *tcase = tcase_create("timestamp");
    tcase_add_loop_test(tcase, reads_utc_and_offsets_with_and_without_a_fraction, 0, TIMES);
    tcase_add_loop_test(tcase, names_the_place_of_what_is_no_time, 0, WRONG);
    tcase_add_test(tcase, writes_what_it_reads);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
