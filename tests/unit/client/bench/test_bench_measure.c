/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "suite.h"
#include "tlsecho/client/bench_measure.h"

static struct bench_measure a, b;

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(bench_measure_init(&a, &err), 0);
    ck_assert_int_eq(bench_measure_init(&b, &err), 0);
}

static void tear_down(void)
{
    bench_measure_done(&a);
    bench_measure_done(&b);
}

static void fill(struct bench_measure *m, uint64_t n, double elapsed_s)
{
    struct error err;
    struct bench_second second = {.length_s = 1, .messages = n};
    for (uint64_t i = 0; i < n; i++)
        histogram_record(m->histograms[BENCH_LATENCY], n * 1000);
    m->messages = m->connections = m->sent_bytes = m->received_bytes = m->unsent = n;
    m->errors[RESULT_RESET] = n;
    m->elapsed_s = elapsed_s;
    m->user_s = m->system_s = 0.25;
    m->busiest = (double)n / 10;
    for (int i = 0; i < 3; i++) {
        second.start_s = i;
        ck_assert_int_eq(bench_measure_add_second(m, &second, &err), 0);
    }
}

static void assert_sum(void)
{
    struct histogram_summary all;
    histogram_summarize(a.histograms[BENCH_LATENCY], &all);
    ck_assert_uint_eq(all.count, 7);
    ck_assert_uint_eq(all.min_ns, 3000);
    ck_assert_uint_eq(all.max_ns, 4000);
    ck_assert_uint_eq(a.messages, 7);
    ck_assert_uint_eq(a.connections, 7);
    ck_assert_uint_eq(a.sent_bytes, 7);
    ck_assert_uint_eq(a.received_bytes, 7);
    ck_assert_uint_eq(a.unsent, 7);
    ck_assert_uint_eq(bench_measure_errors(&a), 7);
    ck_assert_double_eq(a.user_s + a.system_s, 1);
    ck_assert_double_eq(a.busiest, 0.4);
}

START_TEST(measures_of_the_same_time_are_added_within_it)
{
    fill(&a, 3, 2);
    fill(&b, 4, 3);
    bench_measure_add(&a, &b);
    assert_sum();
    ck_assert_double_eq(a.elapsed_s, 3);
    ck_assert_uint_eq(a.second_count, 3);
}
END_TEST

START_TEST(a_later_measure_adds_its_time_and_seconds)
{
    struct error err;
    fill(&a, 3, 2);
    fill(&b, 4, 3);
    ck_assert_int_eq(bench_measure_append(&a, &b, &err), 0);
    assert_sum();
    ck_assert_double_eq(a.elapsed_s, 5);
    ck_assert_uint_eq(a.second_count, 6);
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq(a.seconds[i].start_s, i);
}
END_TEST

START_TEST(a_rate_is_per_measured_second)
{
    ck_assert_double_eq(bench_measure_rate(&a, 100), 0);
    a.elapsed_s = 0.5;
    ck_assert_double_eq(bench_measure_rate(&a, 100), 200);
}
END_TEST

START_TEST(a_client_without_idle_time_is_the_bottleneck)
{
    a.busiest = 0.95;
    a.elapsed_s = 1;
    ck_assert(bench_measure_client_limited(&a));
    a.busiest = 0.7;
    ck_assert(!bench_measure_client_limited(&a));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_measure");
    TCase *tcase = tcase_create("bench_measure");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, measures_of_the_same_time_are_added_within_it);
    tcase_add_test(tcase, a_later_measure_adds_its_time_and_seconds);
    tcase_add_test(tcase, a_rate_is_per_measured_second);
    tcase_add_test(tcase, a_client_without_idle_time_is_the_bottleneck);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
