/* SPDX-License-Identifier: MIT */
/* Random paths, of which all is known, against what is told of them from the replies alone. */
#include "tlsecho/client/stamp_order.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/client/stamp_flow.h"

enum { LOSS = 1, DUPLICATES = 2, REORDERING = 4 };
enum { PROBES = 10, ARRIVALS = 2 * PROBES, RUNS = 1000, MANY = 100000 };

struct packet {
    uint64_t seq;
    int due;   /* packets arrive in this order */
    bool lost; /* of an arrival: all of its replies */
};

/* What happened on a path. */
struct path {
    uint64_t sent;
    struct packet arrivals[ARRIVALS]; /* at the reflector: the index is its number */
    int count, last;                  /* last: the last number of which a reply came back */
    int first;                        /* the number of the first reply that came back */
    bool arrived[PROBES + 1], answered[PROBES + 1];
    uint64_t answered_last, reverse_duplicated;
    uint64_t displaced; /* of what was answered: by how many probes it was late */
};

static struct stamp_flow flow;
static struct ledger ledger;
static struct stamp_result result;
static uint32_t seed;

static uint32_t below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static int by_due(const void *a, const void *b)
{
    const struct packet *one = a, *other = b;
    return one->due - other->due;
}

/* When the packet arrives that is sent at `at`. */
static int due(int at, unsigned what)
{
    return at * 10 + (what & REORDERING && below(4) == 0 ? (int)below(40) : 0);
}

static void go_there(struct path *path, unsigned what)
{
    path->sent = 1 + below(PROBES);
    for (uint64_t seq = 1; seq <= path->sent; seq++) {
        uint32_t copies = what & LOSS && below(4) == 0         ? 0
                          : what & DUPLICATES && below(4) == 0 ? 2
                                                               : 1;
        path->arrived[seq] = copies > 0;
        for (; copies; copies--)
            path->arrivals[path->count++] =
                (struct packet){.seq = seq, .due = due((int)seq * 2 + (copies == 1), what)};
    }
    qsort(path->arrivals, (size_t)path->count, sizeof *path->arrivals, by_due);
}

static void receive(struct path *path, int number)
{
    struct probe probe;
    struct stamp_times times = {.sent_ns = 0};
    uint64_t seq = path->arrivals[number].seq;
    stamp_flow_add(&flow, seq, ledger_receive(&ledger, seq, 1, &probe), (uint32_t)number, &times);
    path->answered[seq] = true;
    if (path->first < 0)
        path->first = number;
    if (seq > path->answered_last)
        path->answered_last = seq;
    if (number > path->last)
        path->last = number;
}

static void come_back(struct path *path, unsigned what)
{
    struct packet replies[2 * ARRIVALS];
    int count = 0;
    for (int number = 0; number < path->count; number++) {
        int copies = what & DUPLICATES && below(4) == 0 ? 2 : 1;
        path->arrivals[number].lost = what & LOSS && below(4) == 0;
        if (path->arrivals[number].lost)
            continue;
        path->reverse_duplicated += copies == 2;
        for (; copies; copies--)
            replies[count++] = (struct packet){.seq = (uint64_t)number, .due = due(number, what)};
    }
    qsort(replies, (size_t)count, sizeof *replies, by_due);
    for (int i = 0; i < count; i++)
        receive(path, (int)replies[i].seq);
}

static void measure_displacement(struct path *path)
{
    uint64_t newest = 0;
    for (int number = 0; number <= path->last; number++) {
        uint64_t seq = path->arrivals[number].seq;
        if (path->arrivals[number].lost)
            continue;
        if (seq > newest)
            newest = seq;
        else if (newest - seq > path->displaced)
            path->displaced = newest - seq;
    }
}

static void run(struct path *path, unsigned what)
{
    struct error err;
    struct probe probe;
    *path = (struct path){.first = -1, .last = -1};
    memset(&flow, 0, sizeof flow);
    ck_assert_int_eq(ledger_init(&ledger, UINT64_MAX, PROBES < 16 ? 16 : 32, &err), 0);
    go_there(path, what);
    for (uint64_t i = 0; i < path->sent; i++)
        ck_assert_int_eq(ledger_send(&ledger, false, 0, &err), 0);
    come_back(path, what);
    measure_displacement(path);
    while (ledger_lose(&ledger, true, &probe))
        ;
    stamp_flow_result(&flow, &ledger, &result);
}

/* Up to the last number that came back, of which the result tells. */
struct truth {
    uint64_t forward_lost, forward_duplicated, reverse_lost;
    uint64_t coincidences; /* a reply to a duplicate was lost where a probe was lost, too */
};

static uint64_t count_lost(const struct path *path, uint64_t after, uint64_t before)
{
    uint64_t count = 0;
    for (uint64_t seq = after + 1; seq < before; seq++)
        count += !path->answered[seq];
    return count;
}

static void find_truth(const struct path *path, struct truth *ret)
{
    bool arrived[PROBES + 1] = {false};
    uint64_t newest = 0, probes = 0, duplicates = 0; /* that were answered in vain since */
    *ret = (struct truth){.forward_lost = 0};
    for (uint64_t seq = 1; seq <= path->sent; seq++)
        ret->forward_lost += !path->arrived[seq];
    for (int number = 0; number <= path->last; number++) {
        const struct packet *arrival = &path->arrivals[number];
        uint64_t seq = arrival->seq;
        bool again = arrived[seq];
        arrived[seq] = true;
        ret->forward_duplicated += again;
        ret->reverse_lost += arrival->lost;
        if (arrival->lost && !again && !path->answered[seq])
            probes++;
        else if (arrival->lost)
            duplicates++;
        else if (seq > newest) {
            uint64_t lost = count_lost(path, newest, seq);
            uint64_t room = lost > probes ? lost - probes : 0;
            ret->coincidences += room < duplicates ? room : duplicates;
            newest = seq;
            probes = duplicates = 0;
        } else if (seq == newest) {
            probes = duplicates = 0;
        }
    }
}

static uint64_t total(void)
{
    return result.ways[STAMP_FORWARD].lost + result.reverse_lost_probes + result.lost_somewhere;
}

static void check(const struct path *path, const struct truth *truth)
{
    const struct stamp_way *forward = &result.ways[STAMP_FORWARD];
    ck_assert_uint_eq(total(), ledger.lost);
    ck_assert_uint_eq(result.ways[STAMP_REVERSE].lost, truth->reverse_lost);
    ck_assert_uint_eq(result.ways[STAMP_REVERSE].duplicated, path->reverse_duplicated);
    ck_assert_uint_le(forward->lost, truth->forward_lost);
    ck_assert_uint_le(truth->forward_lost,
                      forward->lost + result.lost_somewhere + truth->coincidences);
    ck_assert_uint_le(forward->duplicated, truth->forward_duplicated);
    ck_assert_uint_le(truth->forward_duplicated,
                      result.forward_duplicated_max + truth->coincidences);
}

/* All that is told is what happened; the rest is behind the last reply. */
static void check_exactly(const struct path *path, const struct truth *truth)
{
    uint64_t forward_lost = 0;
    check(path, truth);
    for (uint64_t seq = 1; seq < path->answered_last; seq++)
        forward_lost += !path->arrived[seq];
    ck_assert_uint_eq(result.lost_somewhere, path->sent - path->answered_last);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].lost, forward_lost - truth->coincidences);
    ck_assert_uint_eq(result.ways[STAMP_FORWARD].duplicated,
                      truth->forward_duplicated - truth->coincidences);
    ck_assert_uint_eq(result.forward_duplicated_max, result.ways[STAMP_FORWARD].duplicated);
}

static unsigned count_coincidences(unsigned what)
{
    unsigned count = 0;
    for (int i = 0; i < RUNS; i++) {
        struct path path;
        struct truth truth;
        run(&path, what);
        find_truth(&path, &truth);
        check_exactly(&path, &truth);
        count += truth.coincidences > 0;
        ledger_done(&ledger);
    }
    return count;
}

START_TEST(loss_alone_and_duplicates_alone_are_told_exactly)
{
    seed = 1;
    ck_assert_uint_eq(count_coincidences(LOSS), 0);
    ck_assert_uint_eq(count_coincidences(DUPLICATES), 0);
}
END_TEST

START_TEST(loss_and_duplicates_are_told_exactly_but_where_both_were_lost_side_by_side)
{
    unsigned coincidences;
    seed = 2;
    coincidences = count_coincidences(LOSS | DUPLICATES);
    ck_assert_uint_gt(coincidences, 0);
    ck_assert_uint_lt(coincidences, RUNS / 3);
}
END_TEST

/* The replies do not show that what was lost on the way back was further behind than any that came
 * back; nor that numbers before that of the first reply were ours, if they are too many. */
static bool is_shown(const struct path *path)
{
    uint64_t newest = 0;
    for (int number = 0; number < path->count; number++) {
        uint64_t seq = path->arrivals[number].seq;
        if (seq > newest)
            newest = seq;
        else if (newest - seq > path->displaced)
            return false;
    }
    return path->first < 0 || (uint64_t)path->first < 2 * path->arrivals[path->first].seq;
}

START_TEST(whatever_a_path_does_the_truth_lies_in_what_is_told)
{
    int shown = 0;
    seed = 3;
    for (int i = 0; i < RUNS; i++) {
        struct path path;
        struct truth truth;
        run(&path, 1 + below(LOSS | DUPLICATES | REORDERING));
        find_truth(&path, &truth);
        ck_assert_uint_eq(total(), ledger.lost);
        if (is_shown(&path)) {
            check(&path, &truth);
            shown++;
        }
        ledger_done(&ledger);
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
