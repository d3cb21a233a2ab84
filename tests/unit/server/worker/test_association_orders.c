/* SPDX-License-Identifier: MIT */
/*
 * The table of associations under every order of insertions, handshakes that end, removals, turns
 * and time-outs: it always agrees with a list.
 */
#include <check.h>
#include <stdlib.h>

#include "association.h"
#include "explore.h"
#include "suite.h"
#include "tlsecho/base/container_of.h"

enum {
    COUNT = 4,                       /* associations, two of each key */
    BUCKETS = 1,                     /* at first: all of them share it, and it grows */
    OTHERS = ASSOCIATIONS_AWAKE + 1, /* which leave the four two places to wake in */
    PLACES = 2,
    EVENTS_MAX = 7,
    NOW_US = 1000,
    LATER_US = 2000000, /* the time-out is a second */
};

static struct association_table table;
static struct association others[OTHERS];
static struct association all[COUNT];
static bool inserted[COUNT];
static struct deadline_queue *queue;
static bool begun;

static void finish_run(void)
{
    if (begun)
        association_table_done(&table);
    begun = false;
}

static void reset(void)
{
    struct error err;
    finish_run();
    if (association_table_init(&table, &err) < 0)
        ck_abort_msg("%s", err.text);
    begun = true;
    table.bucket_count = BUCKETS;
    queue = &table.retransmissions[0];
    for (unsigned i = 0; i < OTHERS; i++) {
        others[i] = (struct association){.established = true};
        association_wake(&table, &others[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        all[i] = (struct association){.key.peer_port = (uint16_t)(1 + i / 2)};
        inserted[i] = false;
    }
}

static bool is_next(unsigned places)
{
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned n = 0; n < places; n++)
            if (table.awake[(table.awake_next + n) % ASSOCIATIONS_AWAKE] == &all[i])
                return true;
    return false;
}

/* Until one of the four is among the next that give their places up, or none is awake. */
static void wake_others(void)
{
    if (!is_next(ASSOCIATIONS_AWAKE))
        return;
    for (unsigned i = 0; !is_next(PLACES); i = (i + 1) % OTHERS)
        association_wake(&table, &others[i]);
}

static bool over(void)
{
    return false;
}

/* The other one of the same addresses. */
static unsigned other(unsigned i)
{
    return i ^ 1;
}

static void check(struct explore *x)
{
    size_t count = 0, set = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        struct association_pair pair = association_find(&table, &all[i].key);
        const struct association *mine = all[i].established ? pair.established : pair.unfinished;
        explore_require(x, inserted[i] == (mine == &all[i]), "what is in the table is found");
        explore_require(
            x, inserted[i] || inserted[other(i)] || (!pair.established && !pair.unfinished),
            "what is not in the table is not found");
        explore_require(x, !all[i].awake || table.awake[all[i].awake - 1] == &all[i],
                        "what is awake has its place");
        explore_require(x, inserted[i] || !deadline_is_set(&all[i].retransmission),
                        "what is removed has no time-out");
        explore_require(x, inserted[i] || !all[i].awake, "what is removed has no place");
        count += inserted[i];
        set += deadline_is_set(&all[i].retransmission);
    }
    for (unsigned i = 0; i < ASSOCIATIONS_AWAKE; i++)
        explore_require(x, !table.awake[i] || table.awake[i]->awake == i + 1,
                        "each place has one that knows of it");
    explore_require(x, table.count == count, "they are counted");
    explore_require(x, (association_due_us(&table) == UINT64_MAX) == (set == 0),
                    "a time-out is due if one is set");
}

static void insert(unsigned i)
{
    if (inserted[i] || (inserted[other(i)] && !all[other(i)].established))
        return; /* one at most is unfinished */
    all[i].established = false;
    association_insert(&table, &all[i]);
    inserted[i] = true;
}

static void take_out(unsigned i)
{
    if (!inserted[i])
        return;
    association_remove(&table, &all[i]);
    all[i].awake = 0;
    inserted[i] = false;
}

/* It takes the place of the established one. */
static void establish(unsigned i)
{
    if (!inserted[i] || all[i].established)
        return;
    take_out(other(i));
    all[i].established = true;
}

static void wake(struct explore *x, unsigned i)
{
    if (!inserted[i] || !all[i].established)
        return;
    bool was = all[i].awake;
    struct association *rests = association_wake(&table, &all[i]);
    explore_require(x, !was || !rests, "one that is awake takes no other place");
    explore_require(x, all[i].awake && (!rests || (rests != &all[i] && !rests->awake)),
                    "the one that gives up its place knows");
}

static void expire(struct explore *x)
{
    struct association *due;
    unsigned popped = 0, set = 0;
    for (unsigned i = 0; i < COUNT; i++)
        set += deadline_is_set(&all[i].retransmission);
    while ((due = association_pop(&table, LATER_US))) {
        explore_require(x, inserted[due - all], "only one in the table is due");
        popped++;
    }
    explore_require(x, popped == set, "each that is due is popped once");
}

static void step(struct explore *x)
{
    static const char *const events[] = {"insert", "remove", "is established",
                                         "wake",   "waits",  "all time-outs expire"};
    unsigned event = explore_choose(x, "event", events, 6);
    unsigned i = event < 5 ? explore_choose(x, "association", NULL, COUNT) : 0;
    switch (event) {
    case 0:
        insert(i);
        break;
    case 1:
        take_out(i);
        break;
    case 2:
        establish(i);
        break;
    case 3:
        wake(x, i);
        break;
    case 4:
        if (inserted[i])
            deadline_set(queue, &all[i].retransmission, NOW_US);
        break;
    case 5:
        expire(x);
        break;
    }
    check(x);
    wake_others();
}

/* The order in the bucket matters, too. Places are told from the next one on. */
static uint64_t state(void)
{
    uint64_t hash = explore_hash(table.bucket_count, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        hash = explore_hash(hash, (uint64_t)inserted[i] | (uint64_t)all[i].established << 1 |
                                      (uint64_t)deadline_is_set(&all[i].retransmission) << 2);
        hash = explore_hash(hash, all[i].awake ? (all[i].awake - 1 + ASSOCIATIONS_AWAKE -
                                                  table.awake_next % ASSOCIATIONS_AWAKE) %
                                                     ASSOCIATIONS_AWAKE
                                               : ASSOCIATIONS_AWAKE);
    }
    for (size_t bucket = 0; table.bucket_count == BUCKETS && bucket < BUCKETS; bucket++)
        for (const struct association *a = table.buckets[bucket]; a; a = a->next)
            hash = explore_hash(hash, (uint64_t)(a - all));
    for (const struct deadline *d = queue->list.next; d != &queue->list; d = d->next)
        hash = explore_hash(hash,
                            (uint64_t)(container_of(d, struct association, retransmission) - all));
    return hash;
}

START_TEST(every_order_of_events)
{
    const struct explore_machine machine = {
        .name = "associations",
        .reset = reset,
        .step = step,
        .over = over,
        .state = state,
        .depth_max = EVENTS_MAX,
    };
    explore_assert(&machine);
    finish_run();
}
END_TEST

SUITE_OF_ONE_TEST("association_orders", every_order_of_events)
