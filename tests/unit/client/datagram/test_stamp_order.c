/* SPDX-License-Identifier: MIT */
/* Random paths, of which all is known, against what is told of them from the replies alone. */
#include "tlsecho/client/stamp_order.h"

#include <check.h>

#include "stamp_path.h"
#include "suite.h"

enum { RUNS = 1000, MANY = 100000 };

static void check(const struct stamp_path *path, const struct stamp_path_truth *truth)
{
    const struct stamp_way *forward = &path->result.ways[STAMP_FORWARD];
    ck_assert_uint_eq(stamp_path_total(path), path->lost);
    ck_assert_uint_eq(path->result.ways[STAMP_REVERSE].lost, truth->reverse_lost);
    ck_assert_uint_eq(path->result.ways[STAMP_REVERSE].duplicated, path->reverse_duplicated);
    ck_assert_uint_le(forward->lost, truth->forward_lost);
    ck_assert_uint_le(truth->forward_lost,
                      forward->lost + path->result.lost_somewhere + truth->coincidences);
    ck_assert_uint_le(forward->duplicated, truth->forward_duplicated);
    ck_assert_uint_le(truth->forward_duplicated,
                      path->result.forward_duplicated_max + truth->coincidences);
}

/* All that is told is what happened; the rest is behind the last reply. */
static void check_exactly(const struct stamp_path *path, const struct stamp_path_truth *truth)
{
    uint64_t forward_lost = 0;
    check(path, truth);
    for (uint64_t seq = 1; seq < path->answered_last; seq++)
        forward_lost += !path->arrived[seq];
    ck_assert_uint_eq(path->result.lost_somewhere, path->sent - path->answered_last);
    ck_assert_uint_eq(path->result.ways[STAMP_FORWARD].lost, forward_lost - truth->coincidences);
    ck_assert_uint_eq(path->result.ways[STAMP_FORWARD].duplicated,
                      truth->forward_duplicated - truth->coincidences);
    ck_assert_uint_eq(path->result.forward_duplicated_max,
                      path->result.ways[STAMP_FORWARD].duplicated);
}

static unsigned count_coincidences(unsigned what)
{
    unsigned count = 0;
    for (int i = 0; i < RUNS; i++) {
        struct stamp_path path;
        struct stamp_path_truth truth;
        stamp_path_run(&path, what, NULL);
        stamp_path_find_truth(&path, &truth);
        check_exactly(&path, &truth);
        count += truth.coincidences > 0;
    }
    return count;
}

START_TEST(loss_alone_and_duplicates_alone_are_told_exactly)
{
    stamp_path_seed(1);
    ck_assert_uint_eq(count_coincidences(STAMP_PATH_LOSS), 0);
    ck_assert_uint_eq(count_coincidences(STAMP_PATH_DUPLICATES), 0);
}
END_TEST

START_TEST(loss_and_duplicates_are_told_exactly_but_where_both_were_lost_side_by_side)
{
    unsigned coincidences;
    stamp_path_seed(2);
    coincidences = count_coincidences(STAMP_PATH_LOSS | STAMP_PATH_DUPLICATES);
    ck_assert_uint_gt(coincidences, 0);
    ck_assert_uint_lt(coincidences, RUNS / 3);
}
END_TEST

START_TEST(whatever_a_path_does_the_truth_lies_in_what_is_told)
{
    int shown = 0;
    stamp_path_seed(3);
    for (int i = 0; i < RUNS; i++) {
        struct stamp_path path;
        struct stamp_path_truth truth;
        stamp_path_run(&path, 1 + stamp_path_below(STAMP_PATH_ALL), NULL);
        stamp_path_find_truth(&path, &truth);
        ck_assert_uint_eq(stamp_path_total(&path), path.lost);
        if (stamp_path_is_shown(&path)) {
            check(&path, &truth);
            shown++;
        }
    }
    ck_assert_int_gt(shown, RUNS / 2);
}
END_TEST

/* Every other reply of a duplicated request is lost, and so is every third request. */
START_TEST(a_long_run_is_counted_as_a_short_one)
{
    static struct stamp_order order;
    struct stamp_count count;
    uint32_t number = 0;
    for (uint64_t seq = 1; seq <= MANY; seq++) {
        if (seq % 3 == 0)
            continue;
        ck_assert(stamp_order_add(&order, seq, number));
        number += seq % 3 == 1 ? 2 : 1;
    }
    stamp_order_count(&order, &count);
    ck_assert_uint_eq(count.missing, MANY / 3);
    ck_assert_uint_eq(count.in_order.count, 0);
    ck_assert_uint_eq(count.displaced, 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("stamp_order");
    tcase_add_test(cases, loss_alone_and_duplicates_alone_are_told_exactly);
    tcase_add_test(cases,
                   loss_and_duplicates_are_told_exactly_but_where_both_were_lost_side_by_side);
    tcase_add_test(cases, whatever_a_path_does_the_truth_lies_in_what_is_told);
    tcase_add_test(cases, a_long_run_is_counted_as_a_short_one);

    Suite *suite = suite_create("stamp_order");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
