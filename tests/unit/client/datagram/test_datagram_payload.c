/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_payload.h"

#include <check.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/base/ascii.h"

enum { LAST = 5000, SIZE = 64 };

static unsigned char data[DATAGRAM_PAYLOAD_MAX + 1];
static struct datagram_answer answer;

static struct datagram_payload payload_of(size_t bytes)
{
    return (struct datagram_payload){.key = 0xabcdef1, .bytes = bytes, .expect = EXPECT_ECHO};
}

static enum datagram_verdict check(const struct datagram_payload *p, size_t n)
{
    return datagram_payload_check(p, LAST, data, n, &answer);
}

START_TEST(every_size_says_which_probe_it_answers)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 6, 9, 10, 17, SIZE, 1472, DATAGRAM_PAYLOAD_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct datagram_payload p = payload_of(sizes[i]);
        uint64_t window = datagram_payload_window(&p);
        for (uint64_t seq = LAST; seq > 0 && LAST - seq < 3 && LAST - seq < window; seq--) {
            datagram_payload_fill(&p, seq, data);
            ck_assert_int_eq(check(&p, sizes[i]), DATAGRAM_SAME);
            ck_assert_uint_eq(answer.seq, seq);
        }
    }
}
END_TEST

START_TEST(a_window_of_probes_is_told_apart_and_fits_a_ledger)
{
    for (size_t bytes = 1; bytes < 8; bytes++) {
        struct datagram_payload p = payload_of(bytes);
        size_t window = datagram_payload_window(&p);
        ck_assert_uint_eq(window & (window - 1), 0);
        uint64_t oldest = LAST < window ? 1 : LAST - window + 1;
        datagram_payload_fill(&p, oldest, data);
        ck_assert_int_eq(check(&p, bytes), DATAGRAM_SAME);
        ck_assert_uint_eq(answer.seq, oldest);
    }
}
END_TEST

START_TEST(upper_case_is_a_reply_where_it_is_expected)
{
    struct datagram_payload p = payload_of(SIZE);
    datagram_payload_fill(&p, 4711, data);
    ascii_upper(data, SIZE);
    ck_assert_int_eq(check(&p, SIZE), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.seq, 4711);
    p.expect = EXPECT_UPPER;
    ck_assert_int_eq(check(&p, SIZE), DATAGRAM_SAME);
    ck_assert_uint_eq(answer.seq, 4711);
}
END_TEST

START_TEST(any_changed_byte_is_found_at_its_place)
{
    struct datagram_payload p = payload_of(SIZE);
    for (size_t at = 0; at < SIZE; at++)
        for (int bit = 0; bit < 8; bit++) {
            datagram_payload_fill(&p, 300, data);
            unsigned char expected = data[at];
            data[at] ^= (unsigned char)(1 << bit);
            ck_assert_int_eq(check(&p, SIZE), DATAGRAM_DIFFERS);
            ck_assert_uint_eq(answer.seq, 300);
            ck_assert_uint_eq(answer.at, at);
            ck_assert_uint_eq(answer.expected, expected);
            ck_assert_uint_eq(answer.got, data[at]);
        }
}
END_TEST

START_TEST(a_changed_byte_is_found_far_behind_the_first_piece)
{
    struct datagram_payload p = payload_of(DATAGRAM_PAYLOAD_MAX);
    datagram_payload_fill(&p, 3, data);
    data[DATAGRAM_PAYLOAD_MAX - 1] ^= 1;
    ck_assert_int_eq(check(&p, DATAGRAM_PAYLOAD_MAX), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.at, DATAGRAM_PAYLOAD_MAX - 1);
}
END_TEST

/* RFC 4963: fragments of two datagrams that were put together. */
START_TEST(half_of_another_datagram_is_found)
{
    struct datagram_payload p = payload_of(SIZE);
    unsigned char other[SIZE];
    datagram_payload_fill(&p, 300, data);
    datagram_payload_fill(&p, 301, other);
    memcpy(data + SIZE / 2, other + SIZE / 2, SIZE / 2);
    ck_assert_int_eq(check(&p, SIZE), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.seq, 300);
    ck_assert_uint_ge(answer.at, SIZE / 2);
}
END_TEST

START_TEST(another_length_differs_behind_what_is_the_same)
{
    struct datagram_payload p = payload_of(SIZE);
    datagram_payload_fill(&p, 9, data);
    ck_assert_int_eq(check(&p, SIZE - 1), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.at, SIZE - 1);
    ck_assert_int_eq(check(&p, SIZE + 1), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.at, SIZE);
    ck_assert_int_eq(check(&p, 0), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.seq, 0);
}
END_TEST

START_TEST(what_another_run_sent_is_foreign_and_no_fault)
{
    struct datagram_payload p = payload_of(SIZE), other = payload_of(100);
    other.key = 7;
    datagram_payload_fill(&other, 12345, data);
    ck_assert_int_eq(check(&p, 100), DATAGRAM_FOREIGN);
    data[99] ^= 1;
    ck_assert_int_eq(check(&p, 100), DATAGRAM_DIFFERS);
}
END_TEST

START_TEST(a_number_that_was_not_sent_yet_differs)
{
    struct datagram_payload p = payload_of(SIZE);
    datagram_payload_fill(&p, LAST + 1, data);
    ck_assert_int_eq(check(&p, SIZE), DATAGRAM_DIFFERS);
}
END_TEST

START_TEST(text_of_a_server_is_that_of_no_probe)
{
    struct datagram_payload p = payload_of(SIZE);
    memcpy(data, "HTTP/1.1 400 Bad Request", 24);
    ck_assert_int_eq(check(&p, 24), DATAGRAM_DIFFERS);
    ck_assert_uint_eq(answer.seq, 0);
}
END_TEST

START_TEST(the_beginning_alone_says_which_probe_it_is)
{
    struct datagram_payload p = payload_of(1472);
    datagram_payload_fill(&p, 77, data);
    ck_assert_uint_eq(datagram_payload_seq(&p, LAST, data, 8), 77);
    ck_assert_uint_eq(datagram_payload_seq(&p, LAST, data, 4), 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("datagram_payload");
    tcase_add_test(cases, every_size_says_which_probe_it_answers);
    tcase_add_test(cases, a_window_of_probes_is_told_apart_and_fits_a_ledger);
    tcase_add_test(cases, upper_case_is_a_reply_where_it_is_expected);
    tcase_add_test(cases, any_changed_byte_is_found_at_its_place);
    tcase_add_test(cases, a_changed_byte_is_found_far_behind_the_first_piece);
    tcase_add_test(cases, half_of_another_datagram_is_found);
    tcase_add_test(cases, another_length_differs_behind_what_is_the_same);
    tcase_add_test(cases, what_another_run_sent_is_foreign_and_no_fault);
    tcase_add_test(cases, a_number_that_was_not_sent_yet_differs);
    tcase_add_test(cases, text_of_a_server_is_that_of_no_probe);
    tcase_add_test(cases, the_beginning_alone_says_which_probe_it_is);

    Suite *suite = suite_create("datagram_payload");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
