/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <limits.h>

#include "suite.h"
#include "tlsecho/base/clock.h"

START_TEST(never_goes_backwards)
{
    uint64_t before_us = clock_now_us();
    for (int i = 0; i < 1000; i++) {
        uint64_t now_us = clock_now_us();
        ck_assert_uint_ge(now_us, before_us);
        before_us = now_us;
    }
}
END_TEST

START_TEST(returns_the_same_time_in_nanoseconds)
{
    uint64_t before_us = clock_now_us();
    uint64_t now_ns = clock_now_ns();
    ck_assert_uint_ge(now_ns / 1000, before_us);
    ck_assert_uint_ge(clock_now_us(), now_ns / 1000);
}
END_TEST

START_TEST(polls_until_the_deadline_and_not_less)
{
    ck_assert_int_eq(clock_poll_ms(5000, 5000), 0);
    ck_assert_int_eq(clock_poll_ms(5001, 5000), 0);
    ck_assert_int_eq(clock_poll_ms(5000, 5001), 1);
    ck_assert_int_eq(clock_poll_ms(5000, 6000), 1);
    ck_assert_int_eq(clock_poll_ms(5000, 6001), 2);
}
END_TEST

START_TEST(polls_without_a_limit_if_there_is_no_deadline)
{
    ck_assert_int_eq(clock_poll_ms(5000, UINT64_MAX), -1);
}
END_TEST

START_TEST(a_deadline_beyond_the_range_of_poll_is_cut_to_it)
{
    ck_assert_int_eq(clock_poll_ms(0, (uint64_t)INT_MAX * 1000 + 1), INT_MAX);
    ck_assert_int_eq(clock_poll_ms(0, UINT64_MAX - 1), INT_MAX);
}
END_TEST

START_TEST(writes_the_time_as_rfc_3339)
{
    static const struct {
        struct timespec at;
        const char *text;
    } expected[] = {
        {{.tv_sec = 0}, "1970-01-01T00:00:00.000Z"},
        {{.tv_sec = 1767323045, .tv_nsec = 678000000}, "2026-01-02T03:04:05.678Z"},
        {{.tv_sec = 1709210096, .tv_nsec = 999999999}, "2024-02-29T12:34:56.999Z"},
    };
    char text[CLOCK_TEXT_BYTES];
    clock_text(&expected[_i].at, text);
    ck_assert_str_eq(text, expected[_i].text);
}
END_TEST

START_TEST(writes_each_second_after_another)
{
    char text[CLOCK_TEXT_BYTES];
    const struct timespec first = {.tv_sec = 1767323045}, second = {.tv_sec = 1767323046};
    clock_text(&first, text);
    clock_text(&second, text);
    ck_assert_str_eq(text, "2026-01-02T03:04:06.000Z");
    clock_text(&first, text);
    ck_assert_str_eq(text, "2026-01-02T03:04:05.000Z");
}
END_TEST

START_TEST(writes_whole_seconds_likewise)
{
    char text[CLOCK_TEXT_BYTES];
    clock_seconds_text(1767323045, text);
    ck_assert_str_eq(text, "2026-01-02T03:04:05Z");
    clock_seconds_text(-1, text); /* a certificate may begin before 1970 */
    ck_assert_str_eq(text, "1969-12-31T23:59:59Z");
    clock_seconds_text(INT64_C(4102444800), text); /* or end after 2038 */
    ck_assert_str_eq(text, "2100-01-01T00:00:00Z");
}
END_TEST

START_TEST(returns_the_wall_clock_of_an_earlier_moment)
{
    struct timespec now;
    int64_t an_hour_ago = clock_wall_us(clock_now_us() - UINT64_C(3600000000));
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t difference = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - an_hour_ago;
    ck_assert_int_ge(difference, INT64_C(3600000000));
    ck_assert_int_lt(difference, INT64_C(3660000000));
}
END_TEST

START_TEST(writes_the_time_of_the_wall_clock_with_milliseconds)
{
    char text[CLOCK_TEXT_BYTES];
    clock_wall_text(INT64_C(1767323045678999), text);
    ck_assert_str_eq(text, "2026-01-02T03:04:05.678Z");
    clock_wall_text(INT64_C(253402300799001000), text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.001Z");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_test(tcase, never_goes_backwards);
    tcase_add_test(tcase, returns_the_same_time_in_nanoseconds);
    tcase_add_test(tcase, polls_until_the_deadline_and_not_less);
    tcase_add_test(tcase, polls_without_a_limit_if_there_is_no_deadline);
    tcase_add_test(tcase, a_deadline_beyond_the_range_of_poll_is_cut_to_it);
    tcase_add_loop_test(tcase, writes_the_time_as_rfc_3339, 0, 3);
    tcase_add_test(tcase, writes_each_second_after_another);
    tcase_add_test(tcase, writes_whole_seconds_likewise);
    tcase_add_test(tcase, returns_the_wall_clock_of_an_earlier_moment);
    tcase_add_test(tcase, writes_the_time_of_the_wall_clock_with_milliseconds);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
