/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <ctype.h>
#include <string.h>

#include "bench_pattern.h"
#include "suite.h"

static struct bench_pattern *pattern;

static void make(enum expect_kind kind)
{
    struct error err;
    ck_assert_int_eq(bench_pattern_new(kind, &pattern, &err), 0);
}

static void tear_down(void)
{
    bench_pattern_free(pattern);
    pattern = NULL;
}

START_TEST(a_stream_is_the_same_in_whatever_pieces_it_is_read)
{
    static unsigned char whole[3 * BENCH_PIECE_BYTES];
    make(EXPECT_ECHO);
    for (size_t at = 0; at < sizeof whole; at += BENCH_PIECE_BYTES)
        memcpy(whole + at, bench_pattern_sent(pattern, 5, at), BENCH_PIECE_BYTES);
    for (size_t at = 0; at + 1000 < sizeof whole; at += 997)
        ck_assert_mem_eq(bench_pattern_sent(pattern, 5, at), whole + at, 1000);
}
END_TEST

START_TEST(an_echo_is_what_was_sent)
{
    make(EXPECT_ECHO);
    for (uint64_t at = 0; at < 200000; at += 12345)
        ck_assert_mem_eq(bench_pattern_expected(pattern, 3, at), bench_pattern_sent(pattern, 3, at),
                         BENCH_PIECE_BYTES);
}
END_TEST

START_TEST(upper_case_is_expected_for_lower_case)
{
    make(EXPECT_UPPER);
    const unsigned char *sent = bench_pattern_sent(pattern, 1, 0);
    const unsigned char *expected = bench_pattern_expected(pattern, 1, 0);
    int changed = 0;
    for (size_t i = 0; i < BENCH_PIECE_BYTES; i++) {
        bool lower = sent[i] >= 'a' && sent[i] <= 'z';
        ck_assert_uint_eq(expected[i], lower ? (unsigned char)toupper(sent[i]) : sent[i]);
        changed += lower;
    }
    ck_assert_int_gt(changed, 1000);
}
END_TEST

START_TEST(another_connections_bytes_differ_at_once)
{
    make(EXPECT_ECHO);
    uint32_t alike = 0;
    for (uint32_t other = 1; other < 60000; other++)
        alike += memcmp(bench_pattern_sent(pattern, 0, 0), bench_pattern_sent(pattern, other, 0),
                        16) == 0;
    ck_assert_uint_eq(alike, 0);
}
END_TEST

START_TEST(lost_and_duplicated_messages_differ_at_once)
{
    static const uint64_t sizes[] = {16, 64, 1024, 65536, 1 << 20, 1 << 30};
    make(EXPECT_ECHO);
    ck_assert(memcmp(bench_pattern_sent(pattern, 0, 0), bench_pattern_sent(pattern, 0, sizes[_i]),
                     16) != 0);
}
END_TEST

START_TEST(continues_beyond_32_bits)
{
    make(EXPECT_ECHO);
    uint64_t far = UINT64_C(65521) << 40;
    ck_assert_mem_eq(bench_pattern_sent(pattern, 59999, far), bench_pattern_sent(pattern, 59999, 0),
                     BENCH_PIECE_BYTES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_pattern");
    TCase *tcase = tcase_create("bench_pattern");
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, a_stream_is_the_same_in_whatever_pieces_it_is_read);
    tcase_add_test(tcase, an_echo_is_what_was_sent);
    tcase_add_test(tcase, upper_case_is_expected_for_lower_case);
    tcase_add_test(tcase, another_connections_bytes_differ_at_once);
    tcase_add_loop_test(tcase, lost_and_duplicated_messages_differ_at_once, 0, 6);
    tcase_add_test(tcase, continues_beyond_32_bits);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
