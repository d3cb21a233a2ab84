/* SPDX-License-Identifier: MIT */
#include "tlsecho/tally.h"

#include <check.h>

#include "suite.h"

enum { SECOND = 1000000 };

START_TEST(tells_the_first_one_at_once)
{
    struct tally tally = {.count = 0};
    ck_assert_uint_eq(tally_take(&tally, 5), 0);
    tally_add(&tally);
    ck_assert_uint_le(tally_due_us(&tally), 5);
    ck_assert_uint_eq(tally_take(&tally, 5), 1);
    ck_assert_uint_eq(tally_take(&tally, 5), 0);
}
END_TEST

START_TEST(tells_all_others_a_second_later_and_not_before)
{
    struct tally tally = {.count = 0};
    tally_add(&tally);
    tally_take(&tally, 5);
    for (int i = 0; i < 1000; i++) {
        tally_add(&tally);
        ck_assert_uint_eq(tally_take(&tally, 5 + SECOND - 1), 0);
    }
    ck_assert_uint_eq(tally_due_us(&tally), 5 + SECOND);
    ck_assert_uint_eq(tally_take(&tally, 5 + SECOND), 1000);
    tally_add(&tally);
    ck_assert_uint_eq(tally_take(&tally, 5 + SECOND), 0);
}
END_TEST

START_TEST(has_nothing_to_tell_when_nothing_happens_any_more)
{
    struct tally tally = {.count = 0};
    ck_assert_uint_eq(tally_due_us(&tally), UINT64_MAX);
    tally_add(&tally);
    tally_take(&tally, 5);
    ck_assert_uint_eq(tally_due_us(&tally), UINT64_MAX);
}
END_TEST

START_TEST(tells_the_rest_in_the_end)
{
    struct tally tally = {.count = 0};
    tally_add(&tally);
    tally_take(&tally, 5);
    tally_add(&tally);
    ck_assert_uint_eq(tally_take(&tally, UINT64_MAX), 1);
    tally_add(&tally);
    ck_assert_uint_eq(tally_take(&tally, 6), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tcase = tcase_create("tally");
    tcase_add_test(tcase, tells_the_first_one_at_once);
    tcase_add_test(tcase, tells_all_others_a_second_later_and_not_before);
    tcase_add_test(tcase, has_nothing_to_tell_when_nothing_happens_any_more);
    tcase_add_test(tcase, tells_the_rest_in_the_end);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
