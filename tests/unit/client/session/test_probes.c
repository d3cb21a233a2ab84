/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/probes.h"

#include <check.h>

#include "suite.h"

enum { SIZE = 10, TIMEOUT_US = 1000 };

static struct probes probes;
static struct probe probe;
static struct error err;

static void set_up(void)
{
    ck_assert_int_eq(probes_init(&probes, TIMEOUT_US, &err), 0);
}

static void tear_down(void)
{
    probes_done(&probes);
}

/* Number `nth` of a connection, counted from 0. */
static void send_nth(uint64_t nth, uint64_t now_us)
{
    ck_assert_int_eq(probes_send(&probes, nth * SIZE, SIZE, now_us, &err), 0);
}

START_TEST(a_reply_is_there_when_its_last_byte_is)
{
    send_nth(0, 100);
    ck_assert(!probes_receive(&probes, SIZE - 1, 150, &probe));
    ck_assert(probes_receive(&probes, SIZE, 160, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert_uint_eq(probe.time_us, 60);
    ck_assert(!probe.overdue);
    ck_assert(!probes_receive(&probes, SIZE, 170, &probe));
    ck_assert_uint_eq(probes.received, 1);
    ck_assert_uint_eq(probes.late, 0);
}
END_TEST

START_TEST(several_replies_come_at_once_in_their_order)
{
    for (uint64_t i = 0; i < 3; i++)
        send_nth(i, i);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert(probes_receive(&probes, 3 * SIZE, 10, &probe));
        ck_assert_uint_eq(probe.seq, i + 1);
        ck_assert_uint_eq(probe.time_us, 10 - i);
    }
    ck_assert(!probes_receive(&probes, 3 * SIZE, 10, &probe));
}
END_TEST

START_TEST(the_first_of_a_connection_is_no_round_trip)
{
    struct histogram_summary all;
    send_nth(0, 0);
    send_nth(1, 0);
    ck_assert(probes_receive(&probes, SIZE, 500, &probe));
    ck_assert(probe.first);
    ck_assert(probes_receive(&probes, 2 * SIZE, 7, &probe));
    ck_assert(!probe.first);
    send_nth(0, 0); /* another connection */
    ck_assert(probes_receive(&probes, SIZE, 500, &probe));
    ck_assert(probe.first);
    histogram_summarize(probes.round_trips, &all);
    ck_assert_uint_eq(all.count, 1);
    ck_assert_uint_eq(all.max_ns, 7000);
}
END_TEST

START_TEST(a_reply_after_its_time_is_late_and_measured_all_the_same)
{
    struct histogram_summary all;
    send_nth(0, 0);
    send_nth(1, 0);
    ck_assert(probes_receive(&probes, 2 * SIZE, TIMEOUT_US + 1, &probe));
    ck_assert(probes_receive(&probes, 2 * SIZE, TIMEOUT_US + 1, &probe));
    ck_assert(probe.overdue);
    ck_assert_uint_eq(probes.received, 2);
    ck_assert_uint_eq(probes.late, 2);
    ck_assert_uint_eq(probes.lost, 0);
    histogram_summarize(probes.round_trips, &all);
    ck_assert_uint_eq(all.count, 1);
}
END_TEST

START_TEST(exactly_in_time_is_in_time)
{
    send_nth(0, 0);
    ck_assert(!probes_expire(&probes, TIMEOUT_US, &probe));
    ck_assert(probes_receive(&probes, SIZE, TIMEOUT_US, &probe));
    ck_assert(!probe.overdue);
}
END_TEST

START_TEST(each_expires_once_when_it_is_due)
{
    ck_assert_uint_eq(probes_due_us(&probes), UINT64_MAX);
    send_nth(0, 0);
    send_nth(1, 400);
    ck_assert_uint_eq(probes_due_us(&probes), TIMEOUT_US + 1);
    ck_assert(probes_expire(&probes, TIMEOUT_US + 1, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(!probes_expire(&probes, TIMEOUT_US + 1, &probe));
    ck_assert_uint_eq(probes_due_us(&probes), 400 + TIMEOUT_US + 1);
    ck_assert_uint_eq(probes_overdue(&probes), 1);
    ck_assert(probes_expire(&probes, 9999, &probe));
    ck_assert_uint_eq(probe.seq, 2);
    ck_assert_uint_eq(probes_due_us(&probes), UINT64_MAX);
    ck_assert_uint_eq(probes_overdue(&probes), 2);
}
END_TEST

START_TEST(at_the_end_only_the_overdue_are_lost)
{
    send_nth(0, 0);
    send_nth(1, 400);
    ck_assert(probes_expire(&probes, TIMEOUT_US + 1, &probe));
    ck_assert(probes_lose(&probes, false, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(!probes_lose(&probes, false, &probe));
    ck_assert_uint_eq(probes.lost, 1);
    ck_assert_uint_eq(probes.count, 1);
    ck_assert_uint_eq(probes_oldest(&probes)->seq, 2);
}
END_TEST

START_TEST(with_their_connection_all_are_lost)
{
    send_nth(0, 0);
    send_nth(1, 7);
    ck_assert(probes_lose(&probes, true, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(probes_lose(&probes, true, &probe));
    ck_assert_uint_eq(probe.sent_us, 7);
    ck_assert(!probes_lose(&probes, true, &probe));
    ck_assert_uint_eq(probes.lost, 2);
    ck_assert_ptr_null(probes_oldest(&probes));
}
END_TEST

START_TEST(one_that_never_left_is_sent_and_lost)
{
    send_nth(0, 0);
    ck_assert(probes_receive(&probes, SIZE, 1, &probe));
    ck_assert_uint_eq(probes_fail(&probes), 2);
    ck_assert_uint_eq(probes.sent, 2);
    ck_assert_uint_eq(probes.lost, 1);
}
END_TEST

START_TEST(without_a_time_out_nothing_is_late)
{
    probes.timeout_us = UINT64_MAX;
    send_nth(0, 0);
    ck_assert_uint_eq(probes_due_us(&probes), UINT64_MAX);
    ck_assert(!probes_expire(&probes, UINT64_MAX, &probe));
    ck_assert(probes_receive(&probes, SIZE, UINT64_MAX / 2, &probe));
    ck_assert(!probe.overdue);
}
END_TEST

START_TEST(any_number_may_be_on_their_way_and_keep_their_order)
{
    enum { MANY = 3000 };
    uint64_t nth = 0, received = 0;
    for (; nth < 10; nth++)
        send_nth(nth, 0);
    for (; received < 7; received++) /* the ring begins in its middle */
        ck_assert(probes_receive(&probes, 7 * SIZE, 0, &probe));
    for (; nth < MANY + received; nth++)
        send_nth(nth, nth);
    ck_assert_uint_eq(probes.count, MANY);
    for (; received < nth; received++) {
        ck_assert(probes_receive(&probes, nth * SIZE, nth, &probe));
        ck_assert_uint_eq(probe.seq, received + 1);
    }
}
END_TEST

START_TEST(latency_is_that_of_the_round_trips_if_there_are_any)
{
    ck_assert_ptr_eq(probes_latency(&probes), probes.first_replies);
    send_nth(0, 0);
    send_nth(1, 0);
    probes_receive(&probes, SIZE, 1, &probe);
    ck_assert_ptr_eq(probes_latency(&probes), probes.first_replies);
    probes_receive(&probes, 2 * SIZE, 1, &probe);
    ck_assert_ptr_eq(probes_latency(&probes), probes.round_trips);
}
END_TEST

START_TEST(the_share_lost_counts_overdue_probes_but_not_those_still_in_time)
{
    ck_assert_double_eq(probes_percent_lost(&probes), 0);
    for (uint64_t i = 0; i < 4; i++)
        send_nth(i, i);
    probes_receive(&probes, SIZE, 0, &probe);
    ck_assert(probes_expire(&probes, 1 + TIMEOUT_US + 1, &probe));
    ck_assert_double_eq(probes_percent_lost(&probes), 50);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("probes");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_reply_is_there_when_its_last_byte_is);
    tcase_add_test(cases, several_replies_come_at_once_in_their_order);
    tcase_add_test(cases, the_first_of_a_connection_is_no_round_trip);
    tcase_add_test(cases, a_reply_after_its_time_is_late_and_measured_all_the_same);
    tcase_add_test(cases, exactly_in_time_is_in_time);
    tcase_add_test(cases, each_expires_once_when_it_is_due);
    tcase_add_test(cases, at_the_end_only_the_overdue_are_lost);
    tcase_add_test(cases, with_their_connection_all_are_lost);
    tcase_add_test(cases, one_that_never_left_is_sent_and_lost);
    tcase_add_test(cases, without_a_time_out_nothing_is_late);
    tcase_add_test(cases, any_number_may_be_on_their_way_and_keep_their_order);
    tcase_add_test(cases, latency_is_that_of_the_round_trips_if_there_are_any);
    tcase_add_test(cases, the_share_lost_counts_overdue_probes_but_not_those_still_in_time);

    Suite *suite = suite_create("probes");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
