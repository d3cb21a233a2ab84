/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/ledger.h"

#include <check.h>

#include "suite.h"

enum { TIMEOUT_NS = 1000, MAX = 64 };

static struct ledger ledger;
static struct probe probe;
static struct error err;

static void set_up(void)
{
    ck_assert_int_eq(ledger_init(&ledger, TIMEOUT_NS, MAX, &err), 0);
}

static void tear_down(void)
{
    ledger_done(&ledger);
}

static void send_at(uint64_t now_ns)
{
    ck_assert_int_eq(ledger_send(&ledger, ledger.sent == 0, now_ns, &err), 0);
}

static enum ledger_reply receive(uint64_t seq, uint64_t now_ns)
{
    return ledger_receive(&ledger, seq, now_ns, &probe);
}

static void send_many(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        send_at(ledger.sent);
}

START_TEST(a_reply_is_measured_from_when_its_probe_was_sent)
{
    send_at(100);
    send_at(150);
    ck_assert_int_eq(receive(2, 190), LEDGER_ANSWERED);
    ck_assert_uint_eq(probe.seq, 2);
    ck_assert_uint_eq(probe.time_ns, 40);
    ck_assert(!probe.overdue && !probe.first);
    ck_assert_int_eq(receive(1, 200), LEDGER_ANSWERED);
    ck_assert_uint_eq(probe.time_ns, 100);
    ck_assert(probe.first);
    ck_assert_uint_eq(ledger.received, 2);
    ck_assert_uint_eq(ledger.on_way, 0);
}
END_TEST

START_TEST(a_second_reply_is_a_duplicate_and_changes_nothing_else)
{
    send_at(0);
    receive(1, 10);
    ck_assert_int_eq(receive(1, 20), LEDGER_DUPLICATE);
    ck_assert_int_eq(receive(1, 5000), LEDGER_DUPLICATE);
    ck_assert_uint_eq(ledger.duplicated, 2);
    ck_assert_uint_eq(ledger.received, 1);
    ck_assert_uint_eq(ledger.late, 0);
    ck_assert_uint_eq(ledger.jitter.count, 1);
}
END_TEST

/* RFC 4737 §3.3: n < NextExp. In the example of its §10.1 packet 4 comes after 5 and 6. */
START_TEST(what_comes_after_a_later_one_is_reordered)
{
    static const uint64_t arrivals[] = {1, 2, 3, 5, 6, 4, 7, 8, 9, 10};
    send_many(10);
    for (int i = 0; i < 10; i++)
        receive(arrivals[i], 100);
    ck_assert_uint_eq(ledger.reordered, 1);
}
END_TEST

START_TEST(one_that_overtakes_makes_all_that_it_overtook_reordered)
{
    static const uint64_t arrivals[] = {4, 1, 2, 3, 5};
    send_many(5);
    for (int i = 0; i < 5; i++)
        receive(arrivals[i], 100);
    ck_assert_uint_eq(ledger.reordered, 3);
}
END_TEST

START_TEST(neither_a_gap_nor_a_duplicate_is_reordering)
{
    send_many(4);
    receive(1, 100);
    receive(4, 100);
    receive(1, 100);
    ck_assert_uint_eq(ledger.reordered, 0);
    ck_assert_uint_eq(ledger.duplicated, 1);
}
END_TEST

START_TEST(a_number_that_was_never_sent_is_unknown)
{
    send_at(0);
    ck_assert_int_eq(receive(0, 1), LEDGER_UNKNOWN);
    ck_assert_int_eq(receive(2, 1), LEDGER_UNKNOWN);
    ck_assert_int_eq(receive(UINT64_MAX, 1), LEDGER_UNKNOWN);
    ck_assert_uint_eq(ledger.received + ledger.duplicated, 0);
}
END_TEST

START_TEST(a_reply_after_the_time_out_is_late_and_measured_all_the_same)
{
    send_at(0);
    ck_assert(ledger_expire(&ledger, TIMEOUT_NS + 1, &probe));
    ck_assert_int_eq(receive(1, TIMEOUT_NS + 5), LEDGER_ANSWERED);
    ck_assert(probe.overdue);
    ck_assert_uint_eq(probe.time_ns, TIMEOUT_NS + 5);
    ck_assert_uint_eq(ledger.late, 1);
    ck_assert_uint_eq(ledger.received, 1);
    ck_assert_uint_eq(ledger.overdue, 0);
}
END_TEST

START_TEST(a_reply_exactly_at_the_time_out_is_in_time)
{
    send_at(0);
    ck_assert(!ledger_expire(&ledger, TIMEOUT_NS, &probe));
    receive(1, TIMEOUT_NS);
    ck_assert(!probe.overdue);
}
END_TEST

START_TEST(each_expires_once_when_it_is_due_and_not_if_it_was_answered)
{
    send_at(0);
    send_at(10);
    send_at(20);
    receive(2, 30);
    ck_assert_uint_eq(ledger_due_ns(&ledger), TIMEOUT_NS + 1);
    ck_assert(ledger_expire(&ledger, TIMEOUT_NS + 1, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(!ledger_expire(&ledger, TIMEOUT_NS + 1, &probe));
    ck_assert_uint_eq(ledger_due_ns(&ledger), TIMEOUT_NS + 21);
    ck_assert(ledger_expire(&ledger, TIMEOUT_NS + 21, &probe));
    ck_assert_uint_eq(probe.seq, 3);
    ck_assert(!ledger_expire(&ledger, UINT64_MAX, &probe));
    ck_assert_uint_eq(ledger_due_ns(&ledger), UINT64_MAX);
    ck_assert_uint_eq(ledger.overdue, 2);
}
END_TEST

START_TEST(at_the_end_only_overdue_probes_are_lost)
{
    send_at(0);
    send_at(10);
    ledger_expire(&ledger, TIMEOUT_NS + 1, &probe);
    ck_assert(ledger_lose(&ledger, false, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(!ledger_lose(&ledger, false, &probe));
    ck_assert_uint_eq(ledger.lost, 1);
    ck_assert_uint_eq(ledger.on_way, 1);
    ck_assert_uint_eq(ledger.overdue, 0);
}
END_TEST

START_TEST(all_probes_are_lost_with_their_connection)
{
    send_many(3);
    receive(2, 5);
    ck_assert(ledger_lose(&ledger, true, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(ledger_lose(&ledger, true, &probe));
    ck_assert_uint_eq(probe.seq, 3);
    ck_assert(!ledger_lose(&ledger, true, &probe));
    ck_assert_uint_eq(ledger.lost, 2);
}
END_TEST

START_TEST(one_that_was_refused_is_lost_alone_and_no_reply_brings_it_back)
{
    send_many(3);
    ck_assert(ledger_lose_one(&ledger, 2, &probe));
    ck_assert_uint_eq(probe.seq, 2);
    ck_assert(!ledger_lose_one(&ledger, 2, &probe));
    ck_assert_int_eq(receive(2, 9), LEDGER_UNKNOWN);
    ck_assert(ledger_oldest(&ledger, &probe));
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert_uint_eq(ledger.lost, 1);
    ck_assert_uint_eq(ledger.on_way, 2);
}
END_TEST

START_TEST(one_that_could_not_be_sent_is_sent_and_lost)
{
    ck_assert_uint_eq(ledger_fail(&ledger), 1);
    ck_assert_uint_eq(ledger_fail(&ledger), 2);
    send_at(0);
    ck_assert_int_eq(receive(3, 1), LEDGER_ANSWERED);
    ck_assert_int_eq(receive(1, 1), LEDGER_UNKNOWN);
    ck_assert_uint_eq(ledger.sent, 3);
    ck_assert_uint_eq(ledger.lost, 2);
}
END_TEST

START_TEST(without_a_time_out_nothing_is_late)
{
    ledger.timeout_ns = UINT64_MAX;
    send_at(0);
    ck_assert_uint_eq(ledger_due_ns(&ledger), UINT64_MAX);
    ck_assert(!ledger_expire(&ledger, UINT64_MAX, &probe));
    receive(1, UINT64_C(1) << 62);
    ck_assert(!probe.overdue);
}
END_TEST

START_TEST(it_is_full_only_while_the_oldest_that_it_remembers_is_on_its_way)
{
    send_many(MAX);
    ck_assert(ledger_is_full(&ledger));
    receive(2, 100);
    ck_assert(ledger_is_full(&ledger));
    receive(1, 100);
    ck_assert(!ledger_is_full(&ledger));
    send_many(2); /* numbers 1 and 2 are forgotten */
    ck_assert(ledger_is_full(&ledger));
    ck_assert_int_eq(receive(1, 100), LEDGER_UNKNOWN);
    ck_assert_int_eq(receive(MAX, 100), LEDGER_ANSWERED);
}
END_TEST

START_TEST(a_long_run_is_counted_exactly_in_bounded_memory)
{
    enum { RUN = 100000 };
    for (uint64_t i = 1; i <= RUN; i++) {
        if (ledger_is_full(&ledger))
            ck_assert(ledger_lose(&ledger, true, &probe));
        send_at(i);
        if (i % 10 == 0) /* every tenth never comes back */
            continue;
        ck_assert_int_eq(receive(i, i + 1), LEDGER_ANSWERED);
        if (i % 7 == 0)
            ck_assert_int_eq(receive(i, i + 2), LEDGER_DUPLICATE);
    }
    while (ledger_lose(&ledger, true, &probe))
        ;
    ck_assert_uint_le(ledger.size, MAX);
    ck_assert_uint_eq(ledger.received, RUN - RUN / 10);
    ck_assert_uint_eq(ledger.lost, RUN / 10);
    ck_assert_uint_eq(ledger.duplicated, RUN / 7 - RUN / 70);
    ck_assert_uint_eq(ledger.on_way, 0);
}
END_TEST

static void add_counts(TCase *cases)
{
    tcase_add_test(cases, a_reply_is_measured_from_when_its_probe_was_sent);
    tcase_add_test(cases, a_second_reply_is_a_duplicate_and_changes_nothing_else);
    tcase_add_test(cases, what_comes_after_a_later_one_is_reordered);
    tcase_add_test(cases, one_that_overtakes_makes_all_that_it_overtook_reordered);
    tcase_add_test(cases, neither_a_gap_nor_a_duplicate_is_reordering);
    tcase_add_test(cases, a_number_that_was_never_sent_is_unknown);
}

int main(void)
{
    TCase *cases = tcase_create("ledger");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    add_counts(cases);
    tcase_add_test(cases, a_reply_after_the_time_out_is_late_and_measured_all_the_same);
    tcase_add_test(cases, a_reply_exactly_at_the_time_out_is_in_time);
    tcase_add_test(cases, each_expires_once_when_it_is_due_and_not_if_it_was_answered);
    tcase_add_test(cases, at_the_end_only_overdue_probes_are_lost);
    tcase_add_test(cases, all_probes_are_lost_with_their_connection);
    tcase_add_test(cases, one_that_was_refused_is_lost_alone_and_no_reply_brings_it_back);
    tcase_add_test(cases, one_that_could_not_be_sent_is_sent_and_lost);
    tcase_add_test(cases, without_a_time_out_nothing_is_late);
    tcase_add_test(cases, it_is_full_only_while_the_oldest_that_it_remembers_is_on_its_way);
    tcase_add_test(cases, a_long_run_is_counted_exactly_in_bounded_memory);

    Suite *suite = suite_create("ledger");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
