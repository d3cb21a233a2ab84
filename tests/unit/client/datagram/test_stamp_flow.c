/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/stamp_flow.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "suite.h"

static struct ledger ledger;
static struct stamp_flow flow;
static struct stamp_result result;

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(ledger_init(&ledger, UINT64_MAX, LEDGER_MAX, &err), 0);
    memset(&flow, 0, sizeof flow);
}

static void tear_down(void)
{
    ledger_done(&ledger);
}

static void send_many(uint64_t count)
{
    struct error err;
    for (uint64_t i = 0; i < count; i++)
        ck_assert_int_eq(ledger_send(&ledger, false, 0, &err), 0);
}

static void receive_in(uint64_t seq, uint32_t reflector_seq, const struct stamp_times *times)
{
    struct probe probe;
    const struct stamp_numbers numbers = {.seq = reflector_seq};
    stamp_flow_add(&flow, seq, ledger_receive(&ledger, seq, 1, &probe), &numbers, times);
}

static void receive(uint64_t seq, uint32_t reflector_seq)
{
    receive_in(seq, reflector_seq, &(struct stamp_times){.sent_ns = 0});
}

/* All that did not come back is lost. */
static void finish(void)
{
    struct probe probe;
    while (ledger_lose(&ledger, true, &probe))
        ;
    stamp_flow_result(&flow, &ledger, &result);
}

static void check_lost(uint64_t forward, uint64_t reverse, uint64_t somewhere)
{
    finish();
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].lost, forward);
    ck_assert_uint_eq(result.ways[STAMP_REVERSE].lost, reverse);
    ck_assert_uint_eq(result.lost_somewhere, somewhere);
}

START_TEST(a_number_that_the_reflector_did_not_use_was_lost_on_the_way_there)
{
    send_many(5);
    receive(1, 0);
    receive(2, 1);
    receive(4, 2); /* 3 never arrived there */
    receive(5, 3);
    check_lost(1, 0, 0);
    ck_assert(result.stateful);
}
END_TEST

START_TEST(a_number_of_the_reflector_that_is_missing_was_lost_on_the_way_back)
{
    send_many(5);
    receive(1, 0);
    receive(2, 1);
    receive(4, 3);
    receive(5, 4);
    check_lost(0, 1, 0);
    ck_assert(!result.stateful);
}
END_TEST

START_TEST(the_first_ones_may_be_lost_either_way)
{
    send_many(4);
    receive(3, 1); /* of 1 and 2 the reflector has seen one */
    receive(4, 2);
    check_lost(1, 1, 0);
}
END_TEST

START_TEST(what_follows_the_last_reply_was_lost_somewhere)
{
    send_many(6);
    receive(1, 0);
    receive(3, 1);
    check_lost(1, 0, 3);
}
END_TEST

START_TEST(replies_to_what_is_still_on_its_way_are_not_lost_nor_to_duplicates)
{
    send_many(6);
    receive(1, 0);
    receive(4, 3); /* 1 and 2 may still come */
    receive(6, 4); /* 5 did not arrive there, or may arrive */
    stamp_flow_result(&flow, &ledger, &result);
    ck_assert_uint_eq(result.on_their_way, 3);
    for (int i = 0; i < STAMP_DIRECTIONS; i++)
        ck_assert_uint_eq(result.ways[i].lost + result.ways[i].duplicated, 0);
    ck_assert_uint_eq(result.forward_duplicated_max + result.lost_somewhere, 0);
    check_lost(1, 2, 0);
}
END_TEST

START_TEST(what_is_lost_before_others_that_are_on_their_way_has_no_direction)
{
    struct probe probe;
    send_many(5);
    receive(1, 0);
    receive(5, 2); /* 1 answers 2, 3 or 4 */
    ck_assert(ledger_lose(&ledger, true, &probe));
    stamp_flow_result(&flow, &ledger, &result);
    ck_assert_uint_eq(result.on_their_way, 2);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].lost, 0);
    ck_assert_uint_eq(result.ways[STAMP_REVERSE].lost, 0);
    ck_assert_uint_eq(result.lost_somewhere, 1);
    check_lost(2, 1, 0);
}
END_TEST

START_TEST(without_any_reply_nothing_is_known)
{
    send_many(3);
    check_lost(0, 0, 3);
    ck_assert(!result.stateful);
}
END_TEST

START_TEST(reordering_is_no_loss)
{
    send_many(4);
    receive(2, 0);
    receive(1, 1);
    receive(4, 3);
    receive(3, 2);
    check_lost(0, 0, 0);
}
END_TEST

START_TEST(duplicates_are_told_apart_by_the_reflectors_number)
{
    send_many(3);
    receive(1, 0);
    receive(1, 0); /* the reply arrived twice */
    receive(2, 1);
    receive(2, 2); /* the request arrived twice there */
    receive(3, 3);
    check_lost(0, 0, 0);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated, 1);
    ck_assert_uint_eq(result.ways[STAMP_REVERSE].duplicated, 1);
}
END_TEST

START_TEST(a_reflector_that_still_knew_us_counts_on)
{
    send_many(3);
    receive(1, 1000);
    receive(2, 1001);
    receive(3, 1003); /* 1002 replied to a duplicate of one of them, and was lost */
    check_lost(0, 1, 0);
    ck_assert_uint_eq(result.reverse_lost_probes, 0);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated, 1);
}
END_TEST

START_TEST(a_reflector_that_began_again_loses_nothing_by_that)
{
    send_many(6);
    receive(1, 0);
    receive(2, 1);
    receive(3, 2);
    receive(4, 0);
    receive(6, 2);
    check_lost(0, 1, 0);
}
END_TEST

START_TEST(what_is_lost_while_it_begins_again_has_no_direction)
{
    send_many(8);
    receive(1, 0);
    receive(2, 1);
    receive(5, 0); /* 3 or 4 may have arrived before */
    receive(6, 1);
    receive(8, 2);
    check_lost(1, 0, 2);
}
END_TEST

START_TEST(its_first_number_need_not_be_the_first_to_come_back)
{
    send_many(3);
    receive(1, 1001);
    receive(3, 1000); /* 2 may have been as late as 1 was */
    check_lost(0, 0, 1);
    ck_assert(result.reordered);
}
END_TEST

START_TEST(numbers_wrap_around_after_32_bits)
{
    send_many(4);
    receive(1, UINT32_MAX - 1);
    receive(2, UINT32_MAX);
    receive(3, 0);
    receive(4, 1);
    check_lost(0, 0, 0);
}
END_TEST

START_TEST(a_reflector_that_counts_more_than_our_probes_tells_no_direction)
{
    send_many(4);
    receive(1, 0);
    receive(2, 2000000000);
    receive(4, 2100000000);
    check_lost(0, 0, 1);
    ck_assert(result.counts_another);
}
END_TEST

START_TEST(a_lost_reply_to_a_duplicate_hides_no_loss_on_the_way_there)
{
    send_many(5);
    receive(1, 0); /* 1 is a duplicate of one of both */
    receive(2, 2);
    receive(4, 3); /* 4 likewise */
    receive(5, 5);
    check_lost(1, 2, 0);
    ck_assert_uint_eq(result.reverse_lost_probes, 0);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated, 2);
    ck_assert_uint_eq(result.forward_duplicated_max, 2);
    ck_assert(!result.reordered);
}
END_TEST

START_TEST(between_two_copies_of_a_probe_are_only_more_of_them)
{
    send_many(3);
    receive(1, 0);
    receive(1, 2);
    receive(3, 3);
    check_lost(1, 1, 0);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated, 2);
}
END_TEST

START_TEST(after_reordering_on_the_way_there_a_lost_reply_may_have_been_to_any_lost_probe)
{
    send_many(8);
    receive(2, 0);
    receive(1, 1);
    receive(4, 2);
    receive(5, 4); /* 3 is a duplicate of 4 or 5, or was probe 3 */
    receive(7, 5);
    receive(8, 6);
    check_lost(1, 1, 1);
    ck_assert(result.reordered);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated, 0);
    ck_assert_uint_eq(result.forward_duplicated_max, 1);
}
END_TEST

START_TEST(reordering_on_the_way_back_leaves_nothing_open)
{
    send_many(5);
    receive(2, 2);
    receive(1, 0);
    receive(5, 4);
    receive(4, 3);
    check_lost(1, 1, 0);
    ck_assert(!result.reordered);
}
END_TEST

START_TEST(a_reflector_without_room_for_the_session_tells_no_direction)
{
    send_many(3);
    const struct stamp_times times = {.sent_ns = 0};
    struct probe probe;
    for (uint32_t seq = 1; seq <= 3; seq += 2) {
        const struct stamp_numbers numbers = {.seq = seq - 1, .record = {.id = STAMP_RECORD_MAGIC}};
        stamp_flow_add(&flow, seq, ledger_receive(&ledger, seq, 1, &probe), &numbers, &times);
    }
    check_lost(0, 0, 1);
    ck_assert(result.stateless && !result.stateful);
    ck_assert_int_eq(result.record, STAMP_RECORD_NONE);
}
END_TEST

START_TEST(each_direction_has_its_own_jitter_and_delay_whatever_the_clocks_say)
{
    const int64_t ahead_ns = INT64_C(3600000000000);
    send_many(2);
    receive_in(1, 0, &(struct stamp_times){0, ahead_ns + 1000, ahead_ns + 1100, 3100});
    receive_in(2, 1, &(struct stamp_times){5000, ahead_ns + 6160, ahead_ns + 6200, 8200});
    finish();
    ck_assert_double_lt(fabs(result.ways[STAMP_FORWARD].jitter.ns - 160 / 16.0), 1e-9);
    ck_assert_double_lt(fabs(result.ways[STAMP_REVERSE].jitter.ns), 1e-9);
    ck_assert_int_eq(result.ways[STAMP_FORWARD].delay.min_ns, ahead_ns + 1000);
    ck_assert_int_eq(result.ways[STAMP_FORWARD].delay.max_ns, ahead_ns + 1160);
    ck_assert_int_eq(result.ways[STAMP_REVERSE].delay.max_ns, 2000 - ahead_ns);
}
END_TEST

static void add_loss(TCase *cases)
{
    tcase_add_test(cases, a_number_that_the_reflector_did_not_use_was_lost_on_the_way_there);
    tcase_add_test(cases, a_number_of_the_reflector_that_is_missing_was_lost_on_the_way_back);
    tcase_add_test(cases, the_first_ones_may_be_lost_either_way);
    tcase_add_test(cases, what_follows_the_last_reply_was_lost_somewhere);
    tcase_add_test(cases, replies_to_what_is_still_on_its_way_are_not_lost_nor_to_duplicates);
    tcase_add_test(cases, what_is_lost_before_others_that_are_on_their_way_has_no_direction);
    tcase_add_test(cases, without_any_reply_nothing_is_known);
    tcase_add_test(cases, reordering_is_no_loss);
    tcase_add_test(cases, a_lost_reply_to_a_duplicate_hides_no_loss_on_the_way_there);
    tcase_add_test(cases, between_two_copies_of_a_probe_are_only_more_of_them);
    tcase_add_test(cases,
                   after_reordering_on_the_way_there_a_lost_reply_may_have_been_to_any_lost_probe);
    tcase_add_test(cases, reordering_on_the_way_back_leaves_nothing_open);
}

int main(void)
{
    TCase *cases = tcase_create("stamp_flow");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    add_loss(cases);
    tcase_add_test(cases, duplicates_are_told_apart_by_the_reflectors_number);
    tcase_add_test(cases, a_reflector_that_still_knew_us_counts_on);
    tcase_add_test(cases, a_reflector_that_began_again_loses_nothing_by_that);
    tcase_add_test(cases, its_first_number_need_not_be_the_first_to_come_back);
    tcase_add_test(cases, numbers_wrap_around_after_32_bits);
    tcase_add_test(cases, what_is_lost_while_it_begins_again_has_no_direction);
    tcase_add_test(cases, a_reflector_that_counts_more_than_our_probes_tells_no_direction);
    tcase_add_test(cases, a_reflector_without_room_for_the_session_tells_no_direction);
    tcase_add_test(cases, each_direction_has_its_own_jitter_and_delay_whatever_the_clocks_say);

    Suite *suite = suite_create("stamp_flow");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
