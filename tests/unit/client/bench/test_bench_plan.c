/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "kernel.h"
#include "suite.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/bench_plan.h"

static struct options options;
static struct bench_load load;
static struct error err;

/* Plans the load of these arguments, with an endpoint. */
static int plan(const char *words)
{
    static char text[256];
    char *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "tlsecho-client --bench tcp://localhost %s", words);
    for (char *rest, *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    if (options_parse(argc, argv, &options, &err) < 0)
        return -1;
    return bench_plan(&options, &load, &err);
}

static void refused(const char *words, const char *says)
{
    ck_assert_msg(plan(words) < 0, "%s", words);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.text, says), "%s: %s", words, err.text);
}

START_TEST(without_options_one_connection_sends_64_bytes_for_10_seconds)
{
    ck_assert_int_eq(plan(""), 0);
    ck_assert_uint_eq(load.connections, 1);
    ck_assert_uint_eq(load.threads, 1);
    ck_assert_uint_eq(load.pipeline, 1);
    ck_assert_uint_eq(load.size_bytes, 64);
    ck_assert_uint_eq(load.measured_ns, 10000000000);
    ck_assert_uint_eq(load.messages, 0);
    ck_assert_double_eq(load.rate, 0);
}
END_TEST

START_TEST(has_the_values_of_the_options)
{
    ck_assert_int_eq(plan("-P 10 -t 2.5 -s 1GiB --pipeline 8 --rate 5000 --threads 4 --omit 500ms "
                          "--ramp 1 --expect upper"),
                     0);
    ck_assert_uint_eq(load.connections, 10);
    ck_assert_uint_eq(load.measured_ns, 2500000000);
    ck_assert_uint_eq(load.size_bytes, 1 << 30);
    ck_assert_uint_eq(load.pipeline, 8);
    ck_assert_double_eq(load.rate, 5000);
    ck_assert_uint_eq(load.threads, 4);
    ck_assert_uint_eq(load.omit_ns, 500000000);
    ck_assert_uint_eq(load.ramp_ns, 1000000000);
    ck_assert_int_eq(load.expect, EXPECT_UPPER);
}
END_TEST

/* --start-at in an hour, to the second, with this behind the seconds. */
static void in_an_hour(const char *rest, char *ret, size_t size)
{
    char at[CLOCK_TEXT_BYTES];
    clock_seconds_text(time(NULL) + 3600, at);
    snprintf(ret, size, "--start-at %.19s%s", at, rest);
}

START_TEST(starts_at_a_time_in_the_future_in_utc_or_with_an_offset)
{
    char words[64];
    int64_t before_us = clock_wall_us(clock_now_us());
    static const char *const rests[] = {".25Z", ".25-00:30", ".25+00:30"};
    static const int offsets_s[] = {0, 1800, -1800};
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        in_an_hour(rests[i], words, sizeof words);
        ck_assert_msg(plan(words) == 0, "%s", err.text);
        int64_t wait_us = load.start_at_us - before_us - (3600 + offsets_s[i]) * INT64_C(1000000);
        ck_assert_int_ge(wait_us, -INT64_C(750000));
        ck_assert_int_lt(wait_us, INT64_C(60250000)); /* a busy machine */
    }
    ck_assert_int_eq(plan(""), 0);
    ck_assert_int_eq(load.start_at_us, 0);
}
END_TEST

START_TEST(refuses_a_start_that_cannot_be_waited_for)
{
    char words[128];
    refused("--start-at 2001-02-03T04:05:06Z", "--start-at: 2001-02-03T04:05:06Z is in the past");
    refused("--start-at 1970-01-01T00:00:00Z", "is in the past"); /* 0 means none */
    refused("--start-at 9999-12-31T23:59:59Z", "is more than 365 days ahead");
    refused("--start-at soon", "--start-at: 'soon': character 1: 4 digits of the year expected");
    in_an_hour("Z tcp://127.0.0.1:1", words, sizeof words);
    refused(words, "give one endpoint");
}
END_TEST

START_TEST(no_thread_is_without_a_connection)
{
    ck_assert_int_eq(plan("-P 2 --threads 8"), 0);
    ck_assert_uint_eq(load.threads, 2);
}
END_TEST

START_TEST(a_count_of_messages_replaces_the_time)
{
    ck_assert_int_eq(plan("-n 7"), 0);
    ck_assert_uint_eq(load.messages, 7);
    ck_assert_uint_eq(load.measured_ns, 0);
}
END_TEST

START_TEST(a_count_at_a_rate_lasts_until_all_have_been_due)
{
    ck_assert_int_eq(plan("-n 7 --rate 100"), 0);
    ck_assert_uint_eq(load.measured_ns, 70000000);
    ck_assert_int_eq(plan("-n 3 --rate 0.5"), 0);
    ck_assert_double_eq(load.rate, 0.5);
    ck_assert_uint_eq(load.measured_ns, UINT64_C(6000000000));
    ck_assert_int_eq(plan("-n 1000000000000 --rate 1e-6"), 0);
    ck_assert_uint_gt(load.measured_ns, UINT64_C(1000000000) * 86400 * 365 * 100);
}
END_TEST

START_TEST(a_time_of_0_lasts_until_interrupted)
{
    ck_assert_int_eq(plan("-t 0"), 0);
    ck_assert_uint_gt(load.measured_ns, UINT64_C(1000000000) * 86400 * 365 * 100);
}
END_TEST

START_TEST(refuses_values_out_of_range)
{
    refused("--rate 0", "--rate: '0' is not a rate: write messages per second");
    refused("--rate nan", "--rate: ");
    refused("--rate 10000001", "--rate: ");
    refused("-s 1025MiB", "'1025MiB' is not a size");
    refused("-P 0", "--connections: '0' is not a number");
    refused("-P 60001", "--connections: '60001' is not a number");
    refused("--pipeline 0", "--pipeline");
    refused("--threads 0", "--threads");
    refused("-n 0", "--messages");
    refused("-t -1", "is not a time");
}
END_TEST

START_TEST(refuses_options_that_contradict_each_other)
{
    refused("-n 5 -t 5", "-n and -t exclude each other: give one");
    refused("-n 5 --omit 1", "--omit");
    refused("-s 0", "add --expect none");
    refused("-s 0 --expect none --rate 5", "-s 0 sends no messages");
    refused("-s 0 --expect none -n 5", "-s 0 sends no messages");
}
END_TEST

START_TEST(more_connections_than_descriptors_are_refused_with_a_remedy)
{
    if (!kernel_has(KERNEL_DESCRIPTOR_LIMIT))
        return;
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    refused("-P 150", "-P 150 needs 214 descriptors, but the limit is 200");
    ck_assert_ptr_nonnull(strstr(err.text, "ulimit -n 214"));
}
END_TEST

START_TEST(raises_the_soft_limit_of_descriptors_as_far_as_needed)
{
    if (!kernel_has(KERNEL_DESCRIPTOR_LIMIT))
        return;
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(plan("-P 120"), 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_uint_eq(limit.rlim_cur, 120 + BENCH_SPARE_DESCRIPTORS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_plan");
    TCase *tcase = tcase_create("bench_plan");
    tcase_add_test(tcase, without_options_one_connection_sends_64_bytes_for_10_seconds);
    tcase_add_test(tcase, has_the_values_of_the_options);
    tcase_add_test(tcase, starts_at_a_time_in_the_future_in_utc_or_with_an_offset);
    tcase_add_test(tcase, refuses_a_start_that_cannot_be_waited_for);
    tcase_add_test(tcase, no_thread_is_without_a_connection);
    tcase_add_test(tcase, a_count_of_messages_replaces_the_time);
    tcase_add_test(tcase, a_count_at_a_rate_lasts_until_all_have_been_due);
    tcase_add_test(tcase, a_time_of_0_lasts_until_interrupted);
    tcase_add_test(tcase, refuses_values_out_of_range);
    tcase_add_test(tcase, refuses_options_that_contradict_each_other);
    tcase_add_test(tcase, more_connections_than_descriptors_are_refused_with_a_remedy);
    tcase_add_test(tcase, raises_the_soft_limit_of_descriptors_as_far_as_needed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
