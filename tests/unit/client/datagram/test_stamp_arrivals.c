/* SPDX-License-Identifier: MIT */
/* Random paths to a reflector with a record, against what it tells of them. */
#include "tlsecho/client/stamp_arrivals.h"

#include <check.h>

#include "stamp_path.h"
#include "suite.h"

enum { RUNS = 1000 };

/* What the record tells is exact up to the last reply. */
static void check_by_record(const struct stamp_path *path, const struct stamp_path_truth *truth)
{
    const struct stamp_way *forward = &path->result.ways[STAMP_FORWARD];
    uint64_t unreplied = 0;
    bool arrived[STAMP_PATH_SEQS] = {false};
    for (int number = 0; number <= path->last; number++)
        arrived[path->arrivals[number].seq] = true;
    for (uint64_t seq = 1; seq <= path->sent; seq++)
        unreplied += arrived[seq] && !path->answered[seq];
    ck_assert_uint_eq(stamp_path_total(path), path->lost);
    ck_assert_int_eq(path->result.record, path->last < 0 ? STAMP_RECORD_NONE : STAMP_RECORD_USED);
    ck_assert_uint_eq(forward->duplicated, truth->forward_duplicated);
    ck_assert_uint_eq(path->result.forward_duplicated_max, truth->forward_duplicated);
    ck_assert_uint_eq(path->result.reverse_lost_probes, unreplied);
    ck_assert_uint_eq(path->result.ways[STAMP_REVERSE].lost, truth->reverse_lost);
    ck_assert_uint_eq(path->result.ways[STAMP_REVERSE].duplicated, path->reverse_duplicated);
    ck_assert_uint_le(truth->forward_lost, forward->lost + path->result.lost_somewhere);
}

/* Probes that never arrived, of those up to the newest that did. */
static uint64_t count_never(const struct stamp_path *path)
{
    uint64_t newest = 0, count = 0;
    for (int number = 0; number <= path->last; number++)
        if (path->arrivals[number].seq > newest)
            newest = path->arrivals[number].seq;
    for (uint64_t seq = 1; seq < newest; seq++)
        count += !path->arrived[seq];
    return count;
}

START_TEST(a_record_tells_all_up_to_the_last_reply_exactly)
{
    unsigned coincidences = 0;
    stamp_path_seed(4);
    for (int i = 0; i < RUNS; i++) {
        struct stamp_path path;
        struct stamp_path_truth truth;
        unsigned what = 1 + stamp_path_below(STAMP_PATH_ALL);
        stamp_path_run(&path, what | STAMP_PATH_RECORD, NULL);
        stamp_path_find_truth(&path, &truth);
        check_by_record(&path, &truth);
        if (!(what & STAMP_PATH_REORDERING))
            ck_assert_uint_eq(path.result.ways[STAMP_FORWARD].lost, count_never(&path));
        else if (stamp_path_is_shown(&path))
            ck_assert_uint_le(path.result.ways[STAMP_FORWARD].lost, truth.forward_lost);
        coincidences += truth.coincidences > 0;
    }
    ck_assert_uint_gt(coincidences, RUNS / 100);
}
END_TEST

START_TEST(with_a_record_and_a_last_probe_that_is_sent_alone_nothing_is_unknown)
{
    stamp_path_seed(5);
    for (int i = 0; i < RUNS; i++) {
        struct stamp_path path;
        struct stamp_path_truth truth;
        stamp_path_run(&path, STAMP_PATH_ALL | STAMP_PATH_RECORD | STAMP_PATH_ALONE, NULL);
        stamp_path_find_truth(&path, &truth);
        check_by_record(&path, &truth);
        ck_assert_uint_eq(path.result.ways[STAMP_FORWARD].lost, truth.forward_lost);
        ck_assert_uint_eq(path.result.lost_somewhere, 0);
    }
}
END_TEST

static void spoil_one_field(struct stamp_numbers *numbers)
{
    static const uint32_t values[] = {0, 1, 9, 1000, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX};
    uint32_t *fields[] = {&numbers->record.id, &numbers->record.newest, &numbers->record.arrived,
                          &numbers->record.duplicated, &numbers->seq};
    if (stamp_path_below(4))
        return;
    uint32_t *field = fields[stamp_path_below(5)];
    *field = stamp_path_below(2) ? values[stamp_path_below(sizeof values / sizeof *values)]
                                 : *field + stamp_path_below(3) - 1;
}

START_TEST(whatever_a_reflector_says_no_figure_exceeds_what_can_be)
{
    unsigned used = 0, states[STAMP_RECORD_CONTRADICTORY + 1] = {0};
    stamp_path_seed(6);
    for (int i = 0; i < 2 * RUNS; i++) {
        struct stamp_path path;
        stamp_path_run(&path,
                       (1 + stamp_path_below(STAMP_PATH_ALL)) | STAMP_PATH_RECORD |
                           (stamp_path_below(2) ? STAMP_PATH_ALONE : 0),
                       spoil_one_field);
        ck_assert_uint_eq(stamp_path_total(&path), path.lost);
        ck_assert_uint_le(path.result.ways[STAMP_FORWARD].lost, path.lost);
        ck_assert_uint_le(path.result.reverse_lost_probes, path.lost);
        ck_assert_uint_le(path.result.ways[STAMP_REVERSE].lost, path.sent);
        ck_assert_uint_le(path.result.reverse_lost_probes, path.result.ways[STAMP_REVERSE].lost);
        ck_assert_uint_le(path.result.ways[STAMP_FORWARD].duplicated,
                          path.result.forward_duplicated_max);
        ck_assert_uint_le(path.result.forward_duplicated_max, path.sent + 2 * STAMP_PATH_ARRIVALS);
        states[path.result.record]++;
    }
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        used += states[i] > 0;
    ck_assert_uint_eq(used, sizeof states / sizeof *states);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("stamp_arrivals");
    tcase_add_test(cases, a_record_tells_all_up_to_the_last_reply_exactly);
    tcase_add_test(cases, with_a_record_and_a_last_probe_that_is_sent_alone_nothing_is_unknown);
    tcase_add_test(cases, whatever_a_reflector_says_no_figure_exceeds_what_can_be);

    Suite *suite = suite_create("stamp_arrivals");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
