/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/client/expect.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct expect expect;

static void sent(const char *text)
{
    struct error err;
    const unsigned char *data = (const unsigned char *)text;
    ck_assert_int_eq(expect_sent(&expect, data, strlen(text), &err), 0);
}

static enum expect_verdict received(const char *text)
{
    return expect_received(&expect, (const unsigned char *)text, strlen(text));
}

static void teardown(void)
{
    expect_done(&expect);
}

START_TEST(an_echo_is_accepted_in_whatever_pieces_it_comes)
{
    expect_init(&expect, EXPECT_ECHO);
    sent("hel");
    sent("lo");
    ck_assert_int_eq(received("h"), EXPECT_SAME);
    ck_assert_uint_eq(expect_missing(&expect), 4);
    ck_assert_int_eq(received("ello"), EXPECT_SAME);
    ck_assert_uint_eq(expect_missing(&expect), 0);
    ck_assert_uint_eq(expect.offset_bytes, 5);
}
END_TEST

START_TEST(the_first_difference_is_found_where_it_is)
{
    expect_init(&expect, EXPECT_ECHO);
    sent("hello");
    ck_assert_int_eq(received("he"), EXPECT_SAME);
    ck_assert_int_eq(received("lpo"), EXPECT_DIFFERS);
    ck_assert_uint_eq(expect.offset_bytes, 3);
    ck_assert_int_eq(expect.expected, 'l');
    ck_assert_int_eq(expect.got, 'p');
}
END_TEST

START_TEST(a_difference_in_the_first_and_in_the_last_byte_is_found)
{
    expect_init(&expect, EXPECT_ECHO);
    sent("abc");
    ck_assert_int_eq(received("xbc"), EXPECT_DIFFERS);
    ck_assert_uint_eq(expect.offset_bytes, 0);
    expect_done(&expect);

    expect_init(&expect, EXPECT_ECHO);
    sent("abc");
    ck_assert_int_eq(received("abx"), EXPECT_DIFFERS);
    ck_assert_uint_eq(expect.offset_bytes, 2);
}
END_TEST

START_TEST(more_than_was_sent_is_surplus_at_the_first_byte_of_it)
{
    expect_init(&expect, EXPECT_ECHO);
    ck_assert_int_eq(received("x"), EXPECT_SURPLUS);
    ck_assert_uint_eq(expect.offset_bytes, 0);
    sent("ab");
    ck_assert_int_eq(received("abc"), EXPECT_SURPLUS);
    ck_assert_uint_eq(expect.offset_bytes, 2);
    ck_assert_int_eq(expect.got, 'c');
}
END_TEST

START_TEST(upper_expects_only_ascii_letters_to_change)
{
    expect_init(&expect, EXPECT_UPPER);
    sent("az`{AZ\xe9");
    ck_assert_int_eq(received("AZ`{AZ\xe9"), EXPECT_SAME);
    sent("a");
    ck_assert_int_eq(received("a"), EXPECT_DIFFERS);
}
END_TEST

START_TEST(upper_expects_each_piece_in_upper_case)
{
    expect_init(&expect, EXPECT_UPPER);
    sent("ab");
    sent("cd");
    ck_assert_int_eq(received("ABCD"), EXPECT_SAME);
}
END_TEST

static bool is_upper(const char *text)
{
    return expect_is_upper(&expect, (const unsigned char *)text, strlen(text));
}

START_TEST(an_echo_in_upper_case_is_told_from_its_first_byte_on)
{
    expect_init(&expect, EXPECT_ECHO);
    sent("a1b");
    ck_assert(is_upper("A"));
    ck_assert(is_upper("A1B"));
    ck_assert(!is_upper("x1B"));
    ck_assert(!is_upper("A1b"));
}
END_TEST

START_TEST(none_accepts_anything_and_keeps_nothing)
{
    expect_init(&expect, EXPECT_NONE);
    sent("abc");
    ck_assert_int_eq(received("something else"), EXPECT_SAME);
    ck_assert_uint_eq(expect.offset_bytes, 14);
    ck_assert_uint_eq(expect_missing(&expect), 0);
    ck_assert_uint_eq(expect_room(&expect), EXPECT_MAX_BYTES);
    ck_assert_ptr_null(expect.window);
}
END_TEST

/* A stream in which each byte depends on its index, in pieces that are not powers of two. */
static unsigned char stream_byte(uint64_t i)
{
    return (unsigned char)(i * 167 + (i >> 8) * 13);
}

static void stream(unsigned char *ret, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = stream_byte(from + i);
}

START_TEST(a_window_that_wraps_and_grows_loses_nothing)
{
    enum { PIECE = 41003, TOTAL = 40 << 20, BEHIND = 3 << 20 };
    static unsigned char piece[PIECE];
    struct error err;
    uint64_t out = 0, in = 0;
    expect_init(&expect, EXPECT_ECHO);
    while (in < TOTAL) {
        /* Ever further behind, so that it grows while it is wrapped around. */
        while (out < TOTAL && out - in < BEHIND && out - in <= in / 2) {
            stream(piece, out, PIECE);
            ck_assert_int_eq(expect_sent(&expect, piece, PIECE, &err), 0);
            out += PIECE;
        }
        size_t n = (size_t)(out - in < PIECE / 3 ? out - in : PIECE / 3);
        stream(piece, in, n);
        ck_assert_int_eq(expect_received(&expect, piece, n), EXPECT_SAME);
        in += n;
        ck_assert_uint_eq(expect_missing(&expect), out - in);
    }
    ck_assert_uint_ge(expect.size, BEHIND);
}
END_TEST

START_TEST(a_full_window_has_no_room_until_something_comes_back)
{
    struct error err;
    unsigned char *all = calloc(1, EXPECT_MAX_BYTES);
    expect_init(&expect, EXPECT_ECHO);
    ck_assert_int_eq(expect_sent(&expect, all, EXPECT_MAX_BYTES, &err), 0);
    ck_assert_uint_eq(expect_room(&expect), 0);
    ck_assert_uint_eq(expect.size, EXPECT_MAX_BYTES);
    ck_assert_int_eq(expect_received(&expect, all, 10), EXPECT_SAME);
    ck_assert_uint_eq(expect_room(&expect), 10);
    free(all);
}
END_TEST

START_TEST(a_kind_is_found_by_its_name_and_an_unknown_one_lists_the_names)
{
    enum expect_kind kind = EXPECT_ECHO;
    struct error err;
    ck_assert_int_eq(expect_kind_find("upper", &kind, &err), 0);
    ck_assert_int_eq(kind, EXPECT_UPPER);
    ck_assert_int_eq(expect_kind_find("none", &kind, &err), 0);
    ck_assert_int_eq(kind, EXPECT_NONE);
    ck_assert_int_eq(expect_kind_find("Echo", &kind, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "echo, upper, hello, none or stamp"));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("expect");
    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, an_echo_is_accepted_in_whatever_pieces_it_comes);
    tcase_add_test(cases, the_first_difference_is_found_where_it_is);
    tcase_add_test(cases, a_difference_in_the_first_and_in_the_last_byte_is_found);
    tcase_add_test(cases, more_than_was_sent_is_surplus_at_the_first_byte_of_it);
    tcase_add_test(cases, upper_expects_only_ascii_letters_to_change);
    tcase_add_test(cases, upper_expects_each_piece_in_upper_case);
    tcase_add_test(cases, an_echo_in_upper_case_is_told_from_its_first_byte_on);
    tcase_add_test(cases, none_accepts_anything_and_keeps_nothing);
    tcase_add_test(cases, a_window_that_wraps_and_grows_loses_nothing);
    tcase_add_test(cases, a_full_window_has_no_room_until_something_comes_back);
    tcase_add_test(cases, a_kind_is_found_by_its_name_and_an_unknown_one_lists_the_names);

    Suite *suite = suite_create("expect");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
