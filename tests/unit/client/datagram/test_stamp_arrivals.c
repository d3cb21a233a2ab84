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

/* Replies in the order in which they come back, and what is made of the record then. */
static const struct {
    struct {
        uint64_t seq;
        struct stamp_numbers numbers; /* {number, {id, newest, arrived, duplicated}} */
    } replies[3];
    enum stamp_record_state state;
} runs[] = {
    {{{1, {0, {7, 0, 1, 0}}}, {2, {1, {7, 1, 2, 0}}}, {3, {2, {7, 2, 3, 0}}}}, STAMP_RECORD_USED},
    /* the second and the third in reverse order */
    {{{1, {0, {7, 0, 1, 0}}}, {3, {2, {7, 2, 3, 0}}}, {2, {1, {7, 1, 2, 0}}}}, STAMP_RECORD_USED},
    /* one of them twice */
    {{{1, {0, {7, 0, 1, 0}}}, {2, {1, {7, 1, 2, 0}}}, {2, {1, {7, 1, 2, 0}}}}, STAMP_RECORD_USED},
    /* two arrivals too late to know */
    {{{1, {0, {7, 2999, 1, 0}}}, {2, {3, {7, 2999, 2, 0}}}, {3, {4, {7, 2999, 3, 0}}}},
     STAMP_RECORD_USED},
    /* one, although so many probes fit into the window */
    {{{1, {0, {7, 0, 1, 0}}}, {2, {1, {7, 1, 1, 0}}}}, STAMP_RECORD_CONTRADICTORY},
    /* the same number, and another count */
    {{{1, {0, {7, 0, 1, 0}}}, {2, {2, {7, 1, 2, 0}}}, {2, {2, {7, 1, 2, 1}}}},
     STAMP_RECORD_CONTRADICTORY},
    /* fewer duplicates, fewer probes, an older newest one, and fewer that were too late */
    {{{1, {0, {7, 0, 1, 0}}}, {1, {1, {7, 0, 1, 1}}}, {3, {2, {7, 2, 3, 0}}}},
     STAMP_RECORD_CONTRADICTORY},
    {{{1, {0, {7, 0, 1, 0}}}, {3, {2, {7, 2, 3, 0}}}, {4, {3, {7, 3, 2, 2}}}},
     STAMP_RECORD_CONTRADICTORY},
    {{{1, {0, {7, 9, 1, 0}}}, {2, {1, {7, 8, 2, 0}}}, {3, {2, {7, 9, 3, 0}}}},
     STAMP_RECORD_CONTRADICTORY},
    {{{1, {0, {7, 2999, 1, 0}}}, {2, {2, {7, 2999, 2, 0}}}, {3, {3, {7, 2999, 3, 1}}}},
     STAMP_RECORD_CONTRADICTORY},
    /* the same of an earlier number that comes back later */
    {{{1, {0, {7, 0, 1, 0}}}, {3, {3, {7, 2, 3, 0}}}, {2, {2, {7, 1, 2, 1}}}},
     STAMP_RECORD_CONTRADICTORY},
    /* more probes than had been sent, or than arrived; none */
    {{{1, {5, {7, 0, 2, 0}}}}, STAMP_RECORD_CONTRADICTORY},
    {{{3, {1, {7, 2, 3, 0}}}}, STAMP_RECORD_CONTRADICTORY},
    {{{3, {1, {7, 2, 1, 2}}}}, STAMP_RECORD_CONTRADICTORY},
    {{{3, {1, {7, 2, 0, 2}}}}, STAMP_RECORD_CONTRADICTORY},
    /* not in all replies, or another one; nothing mends that */
    {{{1, {0, {0, 0, 0, 0}}}, {2, {1, {7, 1, 2, 0}}}, {3, {2, {7, 2, 3, 0}}}},
     STAMP_RECORD_PARTIAL},
    {{{1, {0, {7, 0, 1, 0}}}, {2, {1, {0, 0, 0, 0}}}, {3, {2, {7, 2, 3, 0}}}},
     STAMP_RECORD_PARTIAL},
    {{{1, {0, {7, 0, 1, 0}}}, {2, {0, {8, 1, 1, 0}}}, {3, {2, {7, 2, 3, 0}}}},
     STAMP_RECORD_REPLACED},
    {{{1, {0, {0, 0, 0, 0}}}, {2, {1, {0, 0, 0, 0}}}}, STAMP_RECORD_NONE},
};

START_TEST(a_record_is_used_only_as_a_whole_and_if_nothing_contradicts_it)
{
    struct stamp_arrivals arrivals = {.state = STAMP_RECORD_NONE};
    for (int i = 0; i < 3 && runs[_i].replies[i].seq; i++)
        stamp_arrivals_add(&arrivals, runs[_i].replies[i].seq, &runs[_i].replies[i].numbers);
    ck_assert_int_eq(arrivals.state, runs[_i].state);
}
END_TEST

/* One probe is lost, and one duplicated, long before. */
START_TEST(counts_go_on_after_32_bits)
{
    const uint64_t many = UINT64_C(1) << 32;
    struct stamp_arrivals arrivals = {
        .state = STAMP_RECORD_USED,
        .answered = true,
        .id = 7,
        .last = {.total = many - 1, .newest = many - 1, .arrived = many - 2, .duplicated = 1}};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t newest = UINT32_MAX + i;
        stamp_arrivals_add(&arrivals, many + i,
                           &(struct stamp_numbers){newest, {7, newest, newest, 1}});
        ck_assert_int_eq(arrivals.state, STAMP_RECORD_USED);
        ck_assert_uint_eq(arrivals.last.total, many + i);
        ck_assert_uint_eq(arrivals.last.newest, many + i);
        ck_assert_uint_eq(arrivals.last.arrived, many - 1 + i);
        ck_assert_uint_eq(arrivals.last.duplicated, 1);
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
    tcase_add_loop_test(cases, a_record_is_used_only_as_a_whole_and_if_nothing_contradicts_it, 0,
                        sizeof runs / sizeof *runs);
    tcase_add_test(cases, counts_go_on_after_32_bits);
    tcase_add_test(cases, whatever_a_reflector_says_no_figure_exceeds_what_can_be);

    Suite *suite = suite_create("stamp_arrivals");
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
