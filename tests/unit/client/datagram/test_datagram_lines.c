/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_lines.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

enum { LATE_NS = 1000 };

static struct datagram_lines lines;
static struct probe probe;
static struct error err;

static void set_up(void)
{
    ck_assert_int_eq(datagram_lines_init(&lines, LATE_NS, EXPECT_ECHO, &err), 0);
}

static void tear_down(void)
{
    datagram_lines_done(&lines);
}

static void send_at(const char *text, uint64_t now_ns)
{
    ck_assert_int_eq(datagram_lines_send(&lines, text, strlen(text), now_ns, &err), 0);
}

static enum datagram_line_reply receive(const char *text, uint64_t now_ns)
{
    return datagram_lines_receive(&lines, text, strlen(text), now_ns, &probe);
}

START_TEST(a_reply_answers_the_line_with_its_bytes)
{
    send_at("one\n", 10);
    send_at("two\n", 20);
    ck_assert_int_eq(receive("two\n", 50), DATAGRAM_LINE_ANSWERED);
    ck_assert_uint_eq(probe.seq, 2);
    ck_assert_uint_eq(probe.time_ns, 30);
    ck_assert_int_eq(receive("one\n", 60), DATAGRAM_LINE_ANSWERED);
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert(probe.reordered);
    ck_assert_uint_eq(lines.ledger.received, 2);
}
END_TEST

START_TEST(equal_lines_are_answered_in_their_order)
{
    send_at("x\n", 1);
    send_at("x\n", 2);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        ck_assert_int_eq(receive("x\n", 10), DATAGRAM_LINE_ANSWERED);
        ck_assert_uint_eq(probe.seq, seq);
    }
    ck_assert_int_eq(receive("x\n", 10), DATAGRAM_LINE_DUPLICATE);
    ck_assert_uint_eq(lines.ledger.duplicated, 1);
}
END_TEST

START_TEST(a_reply_that_differs_by_a_byte_or_in_length_is_unknown)
{
    send_at("hello\n", 1);
    ck_assert_int_eq(receive("hellO\n", 2), DATAGRAM_LINE_UNKNOWN);
    ck_assert_int_eq(receive("hello", 2), DATAGRAM_LINE_UNKNOWN);
    ck_assert_int_eq(receive("hello\n\n", 2), DATAGRAM_LINE_UNKNOWN);
    ck_assert(ledger_is_on_way(&lines.ledger, 1));
}
END_TEST

START_TEST(upper_expects_capital_letters)
{
    lines.expect = EXPECT_UPPER;
    send_at("Gr\xc3\xbc\xc3\x9f e1\n", 1);
    ck_assert_int_eq(receive("Gr\xc3\xbc\xc3\x9f e1\n", 2), DATAGRAM_LINE_UNKNOWN);
    ck_assert_int_eq(receive("GR\xc3\xbc\xc3\x9f E1\n", 2), DATAGRAM_LINE_ANSWERED);
}
END_TEST

START_TEST(a_reply_after_the_time_is_late)
{
    send_at("x\n", 0);
    ck_assert_int_eq(receive("x\n", LATE_NS + 1), DATAGRAM_LINE_ANSWERED);
    ck_assert(probe.overdue);
    ck_assert_uint_eq(lines.ledger.late, 1);
}
END_TEST

START_TEST(a_reply_to_a_lost_line_is_too_late_and_counts_nothing)
{
    send_at("x\n", 0);
    ck_assert(ledger_lose_one(&lines.ledger, 1, &probe));
    ck_assert_int_eq(receive("x\n", 9), DATAGRAM_LINE_TOO_LATE);
    ck_assert_uint_eq(probe.seq, 1);
    ck_assert_uint_eq(lines.ledger.received, 0);
    ck_assert_uint_eq(lines.ledger.lost, 1);
}
END_TEST

START_TEST(only_the_last_lines_are_remembered)
{
    char text[8];
    for (int i = 1; i <= 3 * DATAGRAM_LINES_MAX; i++) {
        snprintf(text, sizeof text, "%d", i);
        send_at(text, 1);
        ck_assert_int_eq(receive(text, 2), DATAGRAM_LINE_ANSWERED);
    }
    ck_assert_int_eq(receive("128", 2), DATAGRAM_LINE_UNKNOWN);
    ck_assert_int_eq(receive("129", 2), DATAGRAM_LINE_DUPLICATE);
    ck_assert_ptr_null(datagram_lines_find(&lines, 128));
    ck_assert_mem_eq(datagram_lines_find(&lines, 129)->data, "129", 3);
    ck_assert_ptr_null(datagram_lines_find(&lines, 193));
    ck_assert_ptr_null(datagram_lines_find(&lines, 0));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("datagram_lines");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_reply_answers_the_line_with_its_bytes);
    tcase_add_test(cases, equal_lines_are_answered_in_their_order);
    tcase_add_test(cases, a_reply_that_differs_by_a_byte_or_in_length_is_unknown);
    tcase_add_test(cases, upper_expects_capital_letters);
    tcase_add_test(cases, a_reply_after_the_time_is_late);
    tcase_add_test(cases, a_reply_to_a_lost_line_is_too_late_and_counts_nothing);
    tcase_add_test(cases, only_the_last_lines_are_remembered);

    Suite *suite = suite_create("datagram_lines");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
