/* SPDX-License-Identifier: MIT */
/*
 * What all connections that came under the same settings share. Within it all time-outs of a class
 * are equally long, which is what lets a list be the timer queue.
 *
 * Ownership: a worker's list, by way of its newest one; each holds its settings.
 * Threads: the worker's.
 */
#ifndef TLSECHO_GENERATION_H
#define TLSECHO_GENERATION_H

#include "deadline.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/pool.h"

struct generation {
    const struct config_snapshot *snapshot;
    struct deadline_queue timeouts[CONN_TIMEOUTS];
    struct deadline_queue lifetimes;
    struct pool pool;
    unsigned conns;
    struct generation *older;
};

/* The generation of these snapshot, whose count it takes over, with one connection more. NULL: no
 * memory, and the count is still the caller's. */
struct generation *generation_enter(struct generation **newest,
                                    const struct config_snapshot *snapshot);

/* With one connection less; without any it goes, unless others may still come to it. */
void generation_leave(struct generation **newest, struct generation *g);

/* After the last connection. */
void generation_drop_all(struct generation **newest);

/* When the first time-out of all is due, clock_now_us; UINT64_MAX = there is none. */
uint64_t generation_due_us(const struct generation *newest);

#endif
