/* SPDX-License-Identifier: MIT */
#include "idle_plan.h"

#include <check.h>
#include <stdbool.h>

#include "suite.h"

enum { RUNGS = IDLE_CONNECTIONS_MAX - 2, MINUTE_S = 60, DAY_S = 24 * 60 * 60 };

static const uint64_t SECOND_US = 1000 * 1000;

static const uint64_t longest_s[] = {1, 2, 9, MINUTE_S, 5 * MINUTE_S, 60 * MINUTE_S, 7 * DAY_S};

START_TEST(a_ladder_ascends_from_a_second_to_the_longest_silence)
{
    for (size_t i = 0; i < sizeof longest_s / sizeof *longest_s; i++) {
        uint64_t rungs[RUNGS], max_us = longest_s[i] * SECOND_US;
        idle_plan_ladder(max_us, RUNGS, rungs);
        ck_assert_uint_eq(rungs[RUNGS - 1], max_us);
        ck_assert_uint_le(rungs[0], SECOND_US + 1);
        ck_assert_uint_ge(rungs[0], max_us < 8 * SECOND_US ? max_us / 8 - 1 : SECOND_US - 1);
        for (size_t j = 1; j < RUNGS; j++)
            ck_assert_uint_gt(rungs[j], rungs[j - 1]);
    }
}
END_TEST

START_TEST(a_ladder_of_two_has_a_first_and_a_last_rung)
{
    uint64_t rungs[2];
    idle_plan_ladder(MINUTE_S * SECOND_US, 2, rungs);
    ck_assert_uint_eq(rungs[1], MINUTE_S * SECOND_US);
    ck_assert_uint_lt(rungs[0], rungs[1]);
}
END_TEST

static bool is_near(uint64_t low, uint64_t high)
{
    return (double)high <= (double)low * 1.0501;
}

/* Whatever the time-out is: what a ladder and the finer one within it leave open is small, and both
 * fit into twice the longest silence. */
START_TEST(two_ladders_come_within_five_per_cent_in_twice_the_time)
{
    for (size_t i = 0; i < sizeof longest_s / sizeof *longest_s; i++) {
        uint64_t rungs[RUNGS], max_us = longest_s[i] * SECOND_US;
        idle_plan_ladder(max_us, RUNGS, rungs);
        for (size_t j = 1; j < RUNGS; j++) {
            uint64_t finer[RUNGS];
            size_t n = idle_plan_between(rungs[j - 1], rungs[j], UINT64_MAX, RUNGS, finer);
            uint64_t low = rungs[j - 1];
            for (size_t k = 0; k < n; k++) {
                ck_assert_msg(is_near(low, finer[k]), "%zu %zu %zu", i, j, k);
                ck_assert_uint_gt(finer[k], low);
                low = finer[k];
            }
            ck_assert_msg(is_near(low, rungs[j]), "%zu %zu", i, j);
            ck_assert_uint_le(rungs[j] + (n ? low : 0), max_us * 4 / 3);
        }
    }
}
END_TEST

START_TEST(nothing_is_between_two_that_are_near_enough)
{
    uint64_t ret[1];
    ck_assert_uint_eq(idle_plan_between(100000, 105000, UINT64_MAX, 1, ret), 0);
    ck_assert_uint_eq(idle_plan_between(100000, 105010, UINT64_MAX, 1, ret), 1);
    ck_assert_uint_eq(idle_plan_between(0, 1000, UINT64_MAX, 1, ret), 0);
}
END_TEST

START_TEST(silences_for_which_no_time_is_left_are_not_tried)
{
    uint64_t all[RUNGS], some[RUNGS];
    size_t count = idle_plan_between(10000, 20000, UINT64_MAX, RUNGS, all);
    ck_assert_uint_gt(count, 10);
    size_t n = idle_plan_between(10000, 20000, all[4] + 1, RUNGS, some);
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(idle_plan_between(10000, 20000, 9999, RUNGS, some), 0);
}
END_TEST

START_TEST(few_connections_make_larger_steps_over_all_of_it)
{
    uint64_t ret[3];
    ck_assert_uint_eq(idle_plan_between(10000, 160000, UINT64_MAX, 3, ret), 3);
    ck_assert_uint_ge(ret[0], 19999);
    ck_assert_uint_le(ret[0], 20000);
    ck_assert_uint_ge(ret[2], 79998);
    ck_assert_uint_le(ret[2], 80000);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("idle_plan");
    tcase_add_test(cases, a_ladder_ascends_from_a_second_to_the_longest_silence);
    tcase_add_test(cases, a_ladder_of_two_has_a_first_and_a_last_rung);
    tcase_add_test(cases, two_ladders_come_within_five_per_cent_in_twice_the_time);
    tcase_add_test(cases, nothing_is_between_two_that_are_near_enough);
    tcase_add_test(cases, silences_for_which_no_time_is_left_are_not_tried);
    tcase_add_test(cases, few_connections_make_larger_steps_over_all_of_it);

    Suite *suite = suite_create("idle_plan");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
