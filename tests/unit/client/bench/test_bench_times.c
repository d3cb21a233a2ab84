/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "suite.h"
#include "tlsecho/client/bench_times.h"

static void add(struct bench_times *sum, int64_t start_us, int64_t end_us, bool rounded)
{
    struct error err;
    struct bench_span span = {start_us, end_us};
    struct bench_times one = {1, rounded, start_us, end_us, &span, 1};
    ck_assert_int_eq(bench_times_add(sum, &one, &err), 0);
}

START_TEST(times_that_overlap_count_once_and_gaps_do_not_count)
{
    struct bench_times sum = {.clients = 0};
    ck_assert_double_eq(bench_times_measured_s(&sum), 0);
    add(&sum, 5000000, 6000000, false);
    add(&sum, 1000000, 3000000, false);
    add(&sum, 2000000, 2500000, false);
    add(&sum, 3000000, 3250000, false);
    ck_assert_double_eq(bench_times_measured_s(&sum), 3.25);
    ck_assert_double_eq(bench_times_spread_s(&sum), 4);
    ck_assert_uint_eq(sum.clients, 4);
    ck_assert_uint_eq(sum.span_count, 2);
    ck_assert_int_eq(sum.last_start_us, 5000000);
    ck_assert_int_eq(sum.first_end_us, 2500000);
    bench_times_done(&sum);
}
END_TEST

START_TEST(a_start_that_is_rounded_widens_the_spread_once)
{
    struct error err;
    struct bench_times sum = {.clients = 0}, all = {.clients = 0};
    add(&sum, 1000, 5000, true);
    add(&sum, 3000, 5000, true);
    ck_assert_double_eq(bench_times_spread_s(&sum), 0.003);
    ck_assert_int_eq(bench_times_add(&all, &sum, &err), 0);
    ck_assert_double_eq(bench_times_spread_s(&all), 0.003);
    bench_times_done(&sum);
    bench_times_done(&all);
}
END_TEST

START_TEST(a_sum_of_sums_is_the_sum_of_all)
{
    struct error err;
    struct bench_times whole = {.clients = 0}, parts[2] = {{.clients = 0}, {.clients = 0}};
    struct bench_times sum = {.clients = 0}, nothing = {.clients = 0};
    for (int64_t i = 0; i < 40; i++) {
        int64_t start_us = i * 7919 % 1000, end_us = start_us + 1 + i * 104729 % 60;
        add(&whole, start_us, end_us, i % 3 == 0);
        add(&parts[i * i % 7 > 2], start_us, end_us, i % 3 == 0);
    }
    ck_assert_int_eq(bench_times_add(&sum, &parts[0], &err), 0);
    ck_assert_int_eq(bench_times_add(&sum, &nothing, &err), 0);
    ck_assert_int_eq(bench_times_add(&sum, &parts[1], &err), 0);
    ck_assert_uint_eq(sum.clients, whole.clients);
    ck_assert_double_eq(bench_times_measured_s(&sum), bench_times_measured_s(&whole));
    ck_assert_double_eq(bench_times_spread_s(&sum), bench_times_spread_s(&whole));
    ck_assert_int_eq(sum.first_end_us, whole.first_end_us);
    ck_assert_uint_eq(sum.span_count, whole.span_count);
    bench_times_done(&whole);
    bench_times_done(&parts[0]);
    bench_times_done(&parts[1]);
    bench_times_done(&sum);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_times");
    TCase *tcase = tcase_create("bench_times");
    tcase_add_test(tcase, times_that_overlap_count_once_and_gaps_do_not_count);
    tcase_add_test(tcase, a_start_that_is_rounded_widens_the_spread_once);
    tcase_add_test(tcase, a_sum_of_sums_is_the_sum_of_all);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
