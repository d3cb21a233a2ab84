/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/token_bucket.h"

#include <check.h>

#include "suite.h"

#define SECOND UINT64_C(1000000)

static struct token_bucket bucket;

/* How many tokens there are at that time. */
static unsigned taken(uint64_t now_us)
{
    unsigned n = 0;
    while (token_bucket_take(&bucket, now_us))
        n++;
    return n;
}

START_TEST(is_full_at_the_start_whatever_the_time)
{
    token_bucket_init(&bucket, 10, 3);
    ck_assert_uint_eq(taken(0), 3);
    token_bucket_init(&bucket, 10, 3);
    ck_assert_uint_eq(taken(UINT64_MAX), 3);
}
END_TEST

START_TEST(fills_at_its_rate)
{
    token_bucket_init(&bucket, 10, 100);
    taken(SECOND);
    ck_assert_uint_eq(taken(SECOND + SECOND / 10 - 1), 0);
    ck_assert_uint_eq(taken(SECOND + SECOND / 10), 1);
    ck_assert_uint_eq(taken(2 * SECOND + SECOND / 10), 10);
}
END_TEST

START_TEST(loses_nothing_however_often_it_is_called)
{
    token_bucket_init(&bucket, 7, 100);
    taken(0);
    unsigned n = 0;
    for (uint64_t us = 0; us <= SECOND; us += 999)
        n += taken(us);
    ck_assert_uint_eq(n + taken(SECOND), 7);
}
END_TEST

START_TEST(holds_no_more_than_its_burst)
{
    token_bucket_init(&bucket, 10, 3);
    taken(0);
    ck_assert_uint_eq(taken(3600 * SECOND), 3);
    ck_assert_uint_eq(taken(UINT64_MAX), 3);
}
END_TEST

START_TEST(serves_rates_of_less_than_a_microsecond_each)
{
    token_bucket_init(&bucket, 10 * SECOND, 10 * SECOND);
    taken(0);
    ck_assert_uint_eq(taken(1), 10);
}
END_TEST

START_TEST(adds_no_token_while_the_clock_stands_still)
{
    token_bucket_init(&bucket, SECOND, 1);
    ck_assert_uint_eq(taken(5), 1);
    ck_assert_uint_eq(taken(5), 0);
    ck_assert_uint_eq(taken(4), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bucket");
    TCase *tcase = tcase_create("bucket");
    tcase_add_test(tcase, is_full_at_the_start_whatever_the_time);
    tcase_add_test(tcase, fills_at_its_rate);
    tcase_add_test(tcase, loses_nothing_however_often_it_is_called);
    tcase_add_test(tcase, holds_no_more_than_its_burst);
    tcase_add_test(tcase, serves_rates_of_less_than_a_microsecond_each);
    tcase_add_test(tcase, adds_no_token_while_the_clock_stands_still);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
