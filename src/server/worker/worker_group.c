/* SPDX-License-Identifier: MIT */
#include "worker_group_internal.h"

#include <assert.h>
#include <stdlib.h>

struct member {
    atomic_uint_fast64_t oldest;
    struct reactor *reactor;
    atomic_uint *requests;
};

struct worker_group {
    struct admission *admission;
    struct handoff_queues handoffs;
    atomic_uint_fast64_t next;
    atomic_bool stops_soon;
    unsigned count, joined;
    struct member members[];
};

int worker_group_new(unsigned count, struct admission *admission, struct worker_group **ret,
                     struct error *err)
{
    struct worker_group *g = calloc(1, sizeof *g + count * sizeof g->members[0]);
    if (!g)
        return error_sys(err, "create the workers");
    handoff_queues_init(&g->handoffs);
    g->admission = admission;
    g->count = count;
    for (unsigned i = 0; i < count; i++)
        atomic_init(&g->members[i].oldest, WORKER_GROUP_NONE);
    *ret = g;
    return 0;
}

void worker_group_free(struct worker_group *group)
{
    if (!group)
        return;
    handoff_queues_done(&group->handoffs);
    free(group);
}

void worker_group_stop_soon(struct worker_group *group)
{
    atomic_store(&group->stops_soon, true);
}

bool worker_group_stops_soon(const struct worker_group *group)
{
    return atomic_load(&group->stops_soon);
}

unsigned worker_group_join(struct worker_group *group, struct reactor *reactor,
                           atomic_uint *requests)
{
    assert(group->joined < group->count);
    group->members[group->joined].reactor = reactor;
    group->members[group->joined].requests = requests;
    return group->joined++;
}

struct handoff_queues *worker_group_handoffs(struct worker_group *group)
{
    return &group->handoffs;
}

struct admission *worker_group_admission(const struct worker_group *group)
{
    return group->admission;
}

uint64_t worker_group_next(struct worker_group *group)
{
    return atomic_fetch_add(&group->next, 1);
}

void worker_group_publish(struct worker_group *group, unsigned worker, uint64_t oldest)
{
    atomic_store(&group->members[worker].oldest, oldest);
}

int worker_group_oldest(const struct worker_group *group)
{
    int worker = -1;
    uint64_t oldest = WORKER_GROUP_NONE;
    for (unsigned i = 0; i < group->count; i++) {
        uint64_t number = atomic_load(&group->members[i].oldest);
        if (number < oldest) {
            oldest = number;
            worker = (int)i;
        }
    }
    return worker;
}

void worker_group_trim(struct worker_group *group, unsigned worker)
{
    atomic_fetch_or(group->members[worker].requests, WORKER_REQUEST_TRIM);
    reactor_wake(group->members[worker].reactor);
}
