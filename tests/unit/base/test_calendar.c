/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/calendar.h"

#include <check.h>

#include "suite.h"

static const struct {
    int64_t seconds;
    int year, month, day, hour, minute, second;
} dates[] = {
    {0, 1970, 1, 1, 0, 0, 0},
    {-1, 1969, 12, 31, 23, 59, 59},
    {951782399, 2000, 2, 28, 23, 59, 59},
    {951782400, 2000, 2, 29, 0, 0, 0},
    {951868800, 2000, 3, 1, 0, 0, 0},
    {1767323045, 2026, 1, 2, 3, 4, 5},
    {2147483647, 2038, 1, 19, 3, 14, 7}, /* the end of a time_t of 32 bits */
    {2147483648, 2038, 1, 19, 3, 14, 8},
    {4107542399, 2100, 2, 28, 23, 59, 59}, /* no leap year */
    {4107542400, 2100, 3, 1, 0, 0, 0},
    {-2208988800, 1900, 1, 1, 0, 0, 0},
    {-62167219200, 0, 1, 1, 0, 0, 0},
    {253402300799, 9999, 12, 31, 23, 59, 59},
};

enum { DATES = sizeof dates / sizeof *dates };

static struct tm tm_of(int i)
{
    return (struct tm){.tm_year = dates[i].year - 1900,
                       .tm_mon = dates[i].month - 1,
                       .tm_mday = dates[i].day,
                       .tm_hour = dates[i].hour,
                       .tm_min = dates[i].minute,
                       .tm_sec = dates[i].second};
}

static void assert_same(const struct tm *a, const struct tm *b)
{
    ck_assert_int_eq(a->tm_year, b->tm_year);
    ck_assert_int_eq(a->tm_mon, b->tm_mon);
    ck_assert_int_eq(a->tm_mday, b->tm_mday);
    ck_assert_int_eq(a->tm_hour, b->tm_hour);
    ck_assert_int_eq(a->tm_min, b->tm_min);
    ck_assert_int_eq(a->tm_sec, b->tm_sec);
}

START_TEST(counts_the_seconds_of_a_date)
{
    struct tm utc = tm_of(_i);
    ck_assert_int_eq(calendar_seconds(&utc), dates[_i].seconds);
}
END_TEST

START_TEST(returns_the_date_of_seconds)
{
    struct tm utc, expected = tm_of(_i);
    ck_assert_int_eq(calendar_date(dates[_i].seconds, &utc), 0);
    assert_same(&utc, &expected);
}
END_TEST

/* The calendar repeats after 400 years. */
START_TEST(each_day_follows_the_one_before_it)
{
    enum { DAYS = 146097, DAY_S = 86400 };
    struct tm before = {.tm_mday = 0}, utc;
    int wrong = 0;
    for (int64_t day = 0; day < DAYS; day++) {
        int64_t seconds = day * DAY_S + 11 * 3600 + 22 * 60 + 33;
        wrong += calendar_date(seconds, &utc) < 0 || calendar_seconds(&utc) != seconds;
        wrong += utc.tm_hour != 11 || utc.tm_min != 22 || utc.tm_sec != 33;
        wrong += utc.tm_mday != before.tm_mday + 1 &&
                 !(utc.tm_mday == 1 && before.tm_mday >= 28 && utc.tm_mon != before.tm_mon);
        before = utc;
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(utc.tm_year, 2369 - 1900);
    ck_assert_int_eq(utc.tm_mon, 11);
    ck_assert_int_eq(utc.tm_mday, 31);
}
END_TEST

START_TEST(other_years_have_no_date)
{
    struct tm utc;
    ck_assert_int_eq(calendar_date(INT64_C(253402300800), &utc), -1);
    ck_assert_int_eq(calendar_date(INT64_C(-62167219201), &utc), -1);
    ck_assert_int_eq(calendar_date(INT64_MAX, &utc), -1);
    ck_assert_int_eq(calendar_date(INT64_MIN, &utc), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calendar");
    TCase *tcase = tcase_create("calendar");
    tcase_add_loop_test(tcase, counts_the_seconds_of_a_date, 0, DATES);
    tcase_add_loop_test(tcase, returns_the_date_of_seconds, 0, DATES);
    tcase_add_test(tcase, each_day_follows_the_one_before_it);
    tcase_add_test(tcase, other_years_have_no_date);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
