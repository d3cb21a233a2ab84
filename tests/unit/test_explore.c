/* SPDX-License-Identifier: MIT */
/* The explorer, on a counter that is wrong in one place. */
#include <check.h>
#include <string.h>

#include "explore.h"
#include "suite.h"

enum { NONE = 1000 };

static unsigned value;
static unsigned forbidden;
static bool settles;

static void reset(void)
{
    value = 0;
}

/* Adds 1 or 2, or doubles, up to 20. */
static void step(struct explore *x)
{
    static const char *const events[] = {"add", "double"};
    if (explore_choose(x, "event", events, 2) == 0)
        value += 1 + explore_choose(x, "amount", NULL, 2);
    else
        value *= 2;
    explore_require(x, value != forbidden, "the value is allowed");
}

static bool over(void)
{
    return value >= 20;
}

static uint64_t state(void)
{
    return explore_hash(0, value);
}

static void settle(struct explore *x)
{
    explore_require(x, settles || value != 3, "3 comes to an end");
}

static struct explore_result explored(unsigned depth_max)
{
    struct explore_result result;
    const struct explore_machine machine = {.name = "counter",
                                            .reset = reset,
                                            .step = step,
                                            .over = over,
                                            .state = state,
                                            .settle = settle,
                                            .depth_max = depth_max};
    explore_run(&machine, &result);
    return result;
}

static void set_up(void)
{
    forbidden = NONE;
    settles = true;
}

START_TEST(finds_every_state)
{
    struct explore_result result = explored(0);
    ck_assert(!result.failed);
    ck_assert(result.complete);
    ck_assert_uint_eq(result.states, 31); /* 0 to 21, and by doubling 22, 24, ... 38 */
    ck_assert_uint_eq(result.transitions, 3 * 20);
}
END_TEST

START_TEST(a_bound_leaves_states_out_and_says_so)
{
    struct explore_result result = explored(1);
    ck_assert(!result.failed);
    ck_assert(!result.complete);
    ck_assert_uint_eq(result.states, 3);
    ck_assert_uint_eq(result.depth, 1);
}
END_TEST

START_TEST(prints_the_shortest_run_that_breaks_a_rule)
{
    forbidden = 8;
    struct explore_result result = explored(0);
    ck_assert(result.failed);
    ck_assert_str_eq(result.failure, "\n  event add, amount 1"
                                     "\n  event add, amount 1"
                                     "\n  event double"
                                     "\n  => broken: the value is allowed");
}
END_TEST

START_TEST(checks_how_each_state_comes_to_an_end)
{
    settles = false;
    struct explore_result result = explored(0);
    ck_assert(result.failed);
    ck_assert_ptr_nonnull(strstr(result.failure, "3 comes to an end"));
}
END_TEST

START_TEST(a_bound_is_a_number_of_events_or_the_whole)
{
    static const char *const others[] = {"", "0", "foo", "3x", "-3", "wholes", "1025"};
    const struct explore_machine machine = {.depth_max = 5, .whole_depth_max = 9};
    unsigned bound = 0;
    ck_assert(explore_read_bound("whole", &machine, &bound));
    ck_assert_uint_eq(bound, 9);
    ck_assert(explore_read_bound("3", &machine, &bound));
    ck_assert_uint_eq(bound, 3);
    ck_assert(explore_read_bound("1024", &machine, &bound));
    ck_assert_uint_eq(bound, 1024);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!explore_read_bound(others[i], &machine, &bound), "%s", others[i]);
    ck_assert_uint_eq(bound, 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explore");
    TCase *tcase = tcase_create("explore");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, finds_every_state);
    tcase_add_test(tcase, a_bound_leaves_states_out_and_says_so);
    tcase_add_test(tcase, prints_the_shortest_run_that_breaks_a_rule);
    tcase_add_test(tcase, checks_how_each_state_comes_to_an_end);
    tcase_add_test(tcase, a_bound_is_a_number_of_events_or_the_whole);
    return suite_run(suite);
}
