/* SPDX-License-Identifier: MIT */
/*
 * What the connections accepted under one snapshot share. All time-outs of a class have the same
 * length, so a list serves as the timer queue.
 *
 * Ownership: a worker's list, from the newest one on; each holds a reference to its snapshot.
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

/* The generation of this snapshot, with one connection more. Takes over the reference. NULL: no
 * memory, and the reference is still the caller's. */
struct generation *generation_enter(struct generation **newest,
                                    const struct config_snapshot *snapshot);

/* With one connection less. Without any it is freed, unless it is the newest. */
void generation_leave(struct generation **newest, struct generation *g);

/* After the last connection. */
void generation_drop_all(struct generation **newest);

/* When the first time-out of all is due, clock_now_us; UINT64_MAX = there is none. */
uint64_t generation_due_us(const struct generation *newest);

#endif
