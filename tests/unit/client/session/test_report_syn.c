/* SPDX-License-Identifier: MIT */
#include "report_syn.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct report report;
static struct report_verdict verdict;
static struct report_syn *syn = &report.syn;

/* The same at both ends. */
static void set_up(void)
{
    report = (struct report){
        .here = {.source = "a", .destination = "b"},
        .there = {.source = "a", .destination = "b"},
        .syn = {.has_sent = true,
                .has_arrived = true,
                .age_us = 1000,
                .sent = {.mss = 1460,
                         .dscp = 46,
                         .ttl = 64,
                         .ecn = SYN_SENT_YES,
                         .sack = SYN_SENT_YES,
                         .timestamps = SYN_SENT_YES,
                         .window_scale = SYN_SENT_YES,
                         .window_shift = 7,
                         .has_clock = true,
                         .clock = 5000000,
                         .clock_hz = 1000},
                .arrived = {.mss = 1460,
                            .dscp = 46,
                            .ttl = 60,
                            .ece = true,
                            .cwr = true,
                            .sack = true,
                            .timestamps = true,
                            .tsval = 5000000,
                            .window_scale = 7}},
    };
}

static void judge(void)
{
    report_judge(&report, &verdict);
}

static const char *lost(void)
{
    static char names[REPORT_OPTIONS_BYTES];
    report_lost_options(syn, names);
    return names;
}

START_TEST(what_arrives_as_it_was_sent_is_the_same)
{
    judge();
    ck_assert_int_eq(verdict.mss, REPORT_SAME);
    ck_assert_int_eq(verdict.dscp, REPORT_SAME);
    ck_assert_int_eq(verdict.ecn, REPORT_SAME);
    ck_assert_int_eq(verdict.options, REPORT_SAME);
    ck_assert_int_eq(verdict.clock, REPORT_SAME);
    ck_assert_int_eq(verdict.path, REPORT_PLAIN);
    ck_assert_str_eq(lost(), "");
}
END_TEST

START_TEST(each_change_is_a_difference_of_its_own)
{
    syn->arrived.mss = 1380;
    syn->arrived.dscp = 0;
    syn->arrived.cwr = false;
    judge();
    ck_assert_int_eq(verdict.mss, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.dscp, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.ecn, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.options, REPORT_SAME);
    ck_assert_int_eq(verdict.clock, REPORT_SAME);
}
END_TEST

START_TEST(options_that_are_lost_are_named)
{
    syn->arrived.sack = syn->arrived.timestamps = false;
    syn->arrived.window_scale = syn->arrived.mss = -1;
    judge();
    ck_assert_int_eq(verdict.options, REPORT_DIFFERENT);
    ck_assert_str_eq(lost(), "mss sack-permitted timestamps window-scale");
    ck_assert_int_eq(verdict.mss, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.clock, REPORT_UNKNOWN);
}
END_TEST

START_TEST(an_option_that_was_not_sent_is_not_lost)
{
    syn->sent.sack = syn->sent.timestamps = SYN_SENT_NO;
    syn->sent.window_scale = SYN_SENT_UNKNOWN;
    syn->arrived.sack = syn->arrived.timestamps = false;
    syn->arrived.window_scale = -1;
    judge();
    ck_assert_str_eq(lost(), "");
    ck_assert_int_eq(verdict.options, REPORT_UNKNOWN);
    syn->sent.window_scale = SYN_SENT_NO;
    judge();
    ck_assert_int_eq(verdict.options, REPORT_SAME);
}
END_TEST

START_TEST(another_window_scale_is_a_difference_of_the_options)
{
    syn->arrived.window_scale = 0;
    judge();
    ck_assert_int_eq(verdict.options, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.window_shift, REPORT_DIFFERENT);
    ck_assert_str_eq(lost(), "");
    syn->sent.window_shift = -1; /* the server did not agree on it */
    judge();
    ck_assert_int_eq(verdict.options, REPORT_SAME);
    ck_assert_int_eq(verdict.window_shift, REPORT_UNKNOWN);
}
END_TEST

START_TEST(an_option_that_was_not_sent_is_added)
{
    char names[REPORT_OPTIONS_BYTES];
    ck_assert_uint_eq(report_added_options(syn, names), 0);
    syn->sent.sack = SYN_SENT_NO;
    ck_assert_uint_eq(report_added_options(syn, names), 1);
    ck_assert_str_eq(names, "sack-permitted");
}
END_TEST

START_TEST(options_of_which_the_kernel_tells_nothing_are_foreign)
{
    char names[REPORT_OPTIONS_BYTES];
    snprintf(syn->options, sizeof syn->options, "mss sack-permitted timestamps nop window-scale");
    ck_assert_uint_eq(report_foreign_options(syn, names), 0);
    snprintf(syn->options, sizeof syn->options, "kind-77 mss sack nop fast-open");
    ck_assert_uint_eq(report_foreign_options(syn, names), 3);
    ck_assert_str_eq(names, "kind-77 sack fast-open");
}
END_TEST

START_TEST(a_timestamp_of_another_clock_is_no_syn_of_ours)
{
    syn->arrived.tsval = 77;
    judge();
    ck_assert_int_eq(verdict.clock, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.path, REPORT_RELAYED);
}
END_TEST

START_TEST(nor_is_a_timestamp_where_this_host_sends_none)
{
    syn->sent.timestamps = SYN_SENT_NO;
    judge();
    ck_assert_int_eq(verdict.clock, REPORT_DIFFERENT);
    ck_assert_int_eq(verdict.options, REPORT_DIFFERENT);
    syn->sent.timestamps = SYN_SENT_UNKNOWN;
    judge();
    ck_assert_int_eq(verdict.clock, REPORT_UNKNOWN);
}
END_TEST

static const struct {
    enum syn_sent_option sent;
    bool repeated, arrived;
    enum report_relation relation;
} ecn[] = {
    {SYN_SENT_YES, false, true, REPORT_SAME},
    {SYN_SENT_YES, false, false, REPORT_DIFFERENT},
    {SYN_SENT_YES, true, true, REPORT_SAME},
    {SYN_SENT_YES, true, false, REPORT_UNKNOWN}, /* a later one offers none */
    {SYN_SENT_NO, false, false, REPORT_SAME},
    {SYN_SENT_NO, false, true, REPORT_UNKNOWN}, /* a route may ask for it */
    {SYN_SENT_UNKNOWN, false, true, REPORT_UNKNOWN},
    {SYN_SENT_UNKNOWN, false, false, REPORT_UNKNOWN},
};

START_TEST(an_offer_of_ecn_is_lost_only_if_it_was_made_in_that_very_syn)
{
    syn->sent.ecn = ecn[_i].sent;
    syn->sent.repeated = ecn[_i].repeated;
    syn->arrived.ece = syn->arrived.cwr = ecn[_i].arrived;
    judge();
    ck_assert_int_eq(verdict.ecn, ecn[_i].relation);
}
END_TEST

START_TEST(without_one_of_both_views_nothing_is_known)
{
    syn->has_sent = _i == 0;
    syn->has_arrived = _i == 1;
    syn->arrived.mss = 500;
    judge();
    ck_assert_int_eq(verdict.mss, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.dscp, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.ecn, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.options, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.clock, REPORT_UNKNOWN);
    ck_assert_int_eq(verdict.path, REPORT_PLAIN);
}
END_TEST

static void parse(const char *object)
{
    char text[512];
    struct error err;
    snprintf(text, sizeof text, "{\"schema\":1,\"listener\":\"l\",\"syn\":%s}", object);
    ck_assert_int_eq(report_parse(text, strlen(text), &report, &err), 0);
}

START_TEST(the_syn_is_read_from_the_report)
{
    parse("{\"ttl\":57,\"dscp\":46,\"ece\":true,\"cwr\":true,\"mss\":1380,\"window\":1,"
          "\"window_scale\":0,\"sack\":true,\"timestamps\":{\"tsval\":4294967295,\"tsecr\":0},"
          "\"options\":[\"mss\",\"\\u001b[2J\",\"kind-7\"]}");
    ck_assert(syn->has_arrived);
    ck_assert_uint_eq(syn->arrived.ttl, 57);
    ck_assert_uint_eq(syn->arrived.dscp, 46);
    ck_assert(syn->arrived.ece && syn->arrived.cwr && syn->arrived.sack);
    ck_assert_int_eq(syn->arrived.mss, 1380);
    ck_assert_int_eq(syn->arrived.window_scale, 0);
    ck_assert(syn->arrived.timestamps);
    ck_assert_uint_eq(syn->arrived.tsval, UINT32_MAX);
    ck_assert_str_eq(syn->options, "mss ?[2J kind-7");
}
END_TEST

static const char *const partial[] = {
    "7",
    "{}",
    "{\"ttl\":64}",
    "{\"ttl\":\"64\",\"dscp\":0}",
    "{\"ttl\":256,\"dscp\":0}",
    "{\"ttl\":64,\"dscp\":64}",
    "{\"ttl\":64,\"dscp\":-1}",
};

START_TEST(a_syn_that_is_none_is_unknown)
{
    parse(partial[_i]);
    ck_assert(!syn->has_arrived);
}
END_TEST

START_TEST(what_a_syn_lacks_did_not_arrive)
{
    parse("{\"ttl\":64,\"dscp\":0,\"mss\":70000,\"timestamps\":[],\"options\":{}}");
    ck_assert(syn->has_arrived);
    ck_assert_int_eq(syn->arrived.mss, -1);
    ck_assert_int_eq(syn->arrived.window_scale, -1);
    ck_assert(!syn->arrived.timestamps && !syn->arrived.sack && !syn->arrived.ece);
    ck_assert_str_eq(syn->options, "");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("report_syn");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, what_arrives_as_it_was_sent_is_the_same);
    tcase_add_test(cases, each_change_is_a_difference_of_its_own);
    tcase_add_test(cases, options_that_are_lost_are_named);
    tcase_add_test(cases, an_option_that_was_not_sent_is_not_lost);
    tcase_add_test(cases, another_window_scale_is_a_difference_of_the_options);
    tcase_add_test(cases, an_option_that_was_not_sent_is_added);
    tcase_add_test(cases, options_of_which_the_kernel_tells_nothing_are_foreign);
    tcase_add_test(cases, a_timestamp_of_another_clock_is_no_syn_of_ours);
    tcase_add_test(cases, nor_is_a_timestamp_where_this_host_sends_none);
    tcase_add_loop_test(cases, an_offer_of_ecn_is_lost_only_if_it_was_made_in_that_very_syn, 0,
                        sizeof ecn / sizeof *ecn);
    tcase_add_loop_test(cases, without_one_of_both_views_nothing_is_known, 0, 2);
    tcase_add_test(cases, the_syn_is_read_from_the_report);
    tcase_add_loop_test(cases, a_syn_that_is_none_is_unknown, 0, sizeof partial / sizeof *partial);
    tcase_add_test(cases, what_a_syn_lacks_did_not_arrive);

    Suite *suite = suite_create("report_syn");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
