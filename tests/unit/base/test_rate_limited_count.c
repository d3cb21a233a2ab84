/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/rate_limited_count.h"

#include <check.h>

#include "suite.h"

enum { SECOND = 1000000 };

START_TEST(reports_the_first_one_at_once)
{
    struct rate_limited_count counter = {.count = 0};
    ck_assert_uint_eq(rate_limited_count_take(&counter, 5), 0);
    rate_limited_count_add(&counter);
    ck_assert_uint_le(rate_limited_count_due_us(&counter), 5);
    ck_assert_uint_eq(rate_limited_count_take(&counter, 5), 1);
    ck_assert_uint_eq(rate_limited_count_take(&counter, 5), 0);
}
END_TEST

START_TEST(reports_all_others_a_second_later_and_not_before)
{
    struct rate_limited_count counter = {.count = 0};
    rate_limited_count_add(&counter);
    rate_limited_count_take(&counter, 5);
    for (int i = 0; i < 1000; i++) {
        rate_limited_count_add(&counter);
        ck_assert_uint_eq(rate_limited_count_take(&counter, 5 + SECOND - 1), 0);
    }
    ck_assert_uint_eq(rate_limited_count_due_us(&counter), 5 + SECOND);
    ck_assert_uint_eq(rate_limited_count_take(&counter, 5 + SECOND), 1000);
    rate_limited_count_add(&counter);
    ck_assert_uint_eq(rate_limited_count_take(&counter, 5 + SECOND), 0);
}
END_TEST

START_TEST(reports_nothing_without_further_events)
{
    struct rate_limited_count counter = {.count = 0};
    ck_assert_uint_eq(rate_limited_count_due_us(&counter), UINT64_MAX);
    rate_limited_count_add(&counter);
    rate_limited_count_take(&counter, 5);
    ck_assert_uint_eq(rate_limited_count_due_us(&counter), UINT64_MAX);
}
END_TEST

START_TEST(reports_the_rest_at_the_end)
{
    struct rate_limited_count counter = {.count = 0};
    rate_limited_count_add(&counter);
    rate_limited_count_take(&counter, 5);
    rate_limited_count_add(&counter);
    ck_assert_uint_eq(rate_limited_count_take(&counter, UINT64_MAX), 1);
    rate_limited_count_add(&counter);
    ck_assert_uint_eq(rate_limited_count_take(&counter, 6), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counter");
    TCase *tcase = tcase_create("counter");
    tcase_add_test(tcase, reports_the_first_one_at_once);
    tcase_add_test(tcase, reports_all_others_a_second_later_and_not_before);
    tcase_add_test(tcase, reports_nothing_without_further_events);
    tcase_add_test(tcase, reports_the_rest_at_the_end);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
