/* SPDX-License-Identifier: MIT */
#include "stamp_path.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct stamp_flow flow;
static struct ledger ledger;
static uint32_t seed;

void stamp_path_seed(uint32_t first)
{
    seed = first;
}

uint32_t stamp_path_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static int by_due(const void *a, const void *b)
{
    const struct stamp_path_packet *one = a, *other = b;
    return one->due - other->due;
}

/* When the packet arrives that is sent at `at`. */
static int due(int at, unsigned what)
{
    return at * 10 + (what & STAMP_PATH_REORDERING && stamp_path_below(4) == 0
                          ? (int)stamp_path_below(40)
                          : 0);
}

static void go_there(struct stamp_path *path)
{
    unsigned what = path->what;
    path->sent = 1 + stamp_path_below(STAMP_PATH_PROBES);
    for (uint64_t seq = 1; seq <= path->sent; seq++) {
        uint32_t copies = what & STAMP_PATH_LOSS && stamp_path_below(4) == 0         ? 0
                          : what & STAMP_PATH_DUPLICATES && stamp_path_below(4) == 0 ? 2
                                                                                     : 1;
        path->arrived[seq] = copies > 0;
        for (; copies; copies--)
            path->arrivals[path->count++] = (struct stamp_path_packet){
                .seq = seq, .due = due((int)seq * 2 + (copies == 1), what)};
    }
    qsort(path->arrivals, (size_t)path->count, sizeof *path->arrivals, by_due);
    if (!(what & STAMP_PATH_ALONE))
        return;
    path->arrived[++path->sent] = true;
    path->arrivals[path->count++] = (struct stamp_path_packet){.seq = path->sent};
}

/* What the reflector tells under that number. */
static struct stamp_numbers numbers_of(const struct stamp_path *path, int number)
{
    bool arrived[STAMP_PATH_SEQS] = {false};
    struct stamp_numbers numbers = {.seq = (uint32_t)number, .record.id = 0x1234};
    struct stamp_record *record = &numbers.record;
    for (int i = 0; i <= number; i++) {
        uint64_t seq = path->arrivals[i].seq;
        if (arrived[seq])
            record->duplicated++;
        else
            record->arrived++;
        arrived[seq] = true;
        if (seq - 1 > record->newest)
            record->newest = (uint32_t)seq - 1;
    }
    return numbers;
}

static void receive(struct stamp_path *path, int number)
{
    struct probe probe;
    struct stamp_times times = {.sent_ns = 0};
    struct stamp_numbers numbers = numbers_of(path, number);
    uint64_t seq = path->arrivals[number].seq;
    if (!(path->what & STAMP_PATH_RECORD))
        numbers.record.id = 0;
    if (path->spoil)
        path->spoil(&numbers);
    stamp_flow_add(&flow, seq, ledger_receive(&ledger, seq, 1, &probe), &numbers, &times);
    path->answered[seq] = true;
    if (path->first < 0)
        path->first = number;
    if (seq > path->answered_last)
        path->answered_last = seq;
    if (number > path->last)
        path->last = number;
}

static void come_back(struct stamp_path *path)
{
    unsigned what = path->what;
    struct stamp_path_packet replies[2 * STAMP_PATH_ARRIVALS];
    int count = 0;
    for (int number = 0; number < path->count; number++) {
        bool last = what & STAMP_PATH_ALONE && number == path->count - 1;
        int copies = what & STAMP_PATH_DUPLICATES && stamp_path_below(4) == 0 ? 2 : 1;
        path->arrivals[number].lost = !last && what & STAMP_PATH_LOSS && stamp_path_below(4) == 0;
        if (path->arrivals[number].lost)
            continue;
        path->reverse_duplicated += copies == 2;
        for (; copies; copies--)
            replies[count++] =
                (struct stamp_path_packet){.seq = (uint64_t)number, .due = due(number, what)};
    }
    qsort(replies, (size_t)count, sizeof *replies, by_due);
    for (int i = 0; i < count; i++)
        receive(path, (int)replies[i].seq);
}

static void measure_displacement(struct stamp_path *path)
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

void stamp_path_run(struct stamp_path *path, unsigned what,
                    void (*spoil)(struct stamp_numbers *numbers))
{
    struct error err;
    struct probe probe;
    *path = (struct stamp_path){.what = what, .spoil = spoil, .first = -1, .last = -1};
    memset(&flow, 0, sizeof flow);
    ck_assert_int_eq(ledger_init(&ledger, UINT64_MAX, 16, &err), 0);
    go_there(path);
    for (uint64_t i = 0; i < path->sent; i++)
        ck_assert_int_eq(ledger_send(&ledger, false, 0, &err), 0);
    if (what & STAMP_PATH_ALONE)
        stamp_flow_send_alone(&flow, path->sent);
    come_back(path);
    measure_displacement(path);
    while (ledger_lose(&ledger, true, &probe))
        ;
    stamp_flow_result(&flow, &ledger, &path->result);
    path->lost = ledger.lost;
    ledger_done(&ledger);
}

static uint64_t count_lost(const struct stamp_path *path, uint64_t after, uint64_t before)
{
    uint64_t count = 0;
    for (uint64_t seq = after + 1; seq < before; seq++)
        count += !path->answered[seq];
    return count;
}

void stamp_path_find_truth(const struct stamp_path *path, struct stamp_path_truth *ret)
{
    bool arrived[STAMP_PATH_SEQS] = {false};
    uint64_t newest = 0, probes = 0, duplicates = 0; /* that were answered in vain since */
    *ret = (struct stamp_path_truth){.forward_lost = 0};
    for (uint64_t seq = 1; seq <= path->sent; seq++)
        ret->forward_lost += !path->arrived[seq];
    for (int number = 0; number <= path->last; number++) {
        const struct stamp_path_packet *arrival = &path->arrivals[number];
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

bool stamp_path_is_shown(const struct stamp_path *path)
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

uint64_t stamp_path_total(const struct stamp_path *path)
{
    const struct stamp_result *result = &path->result;
    return result->ways[STAMP_FORWARD].lost + result->reverse_lost_probes + result->lost_somewhere;
}
