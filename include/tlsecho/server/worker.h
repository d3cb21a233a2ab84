/* SPDX-License-Identifier: MIT */
/*
 * A thread that serves connections: its own event loop, time-outs and buffers; nothing is shared
 * with other workers while bytes move.
 *
 * Ownership: a worker owns the sockets handed to it.   Threads: said at each function.
 */
#ifndef TLSECHO_WORKER_H
#define TLSECHO_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/worker_group.h"
#include "tlsecho/server/worker_handoff.h"

struct worker;

enum worker_order {
    WORKER_SERVE,
    WORKER_DRAIN,  /* every connection ends as soon as it is quiet; then the worker ends */
    WORKER_FINISH, /* every connection ends in order, now */
    WORKER_STOP,   /* at once */
};

/* Starts the thread, all signals blocked in it, which wakes owner (it must outlive the worker) when
 * it ends. ERROR_SYSTEM. */
int worker_new(struct reactor *owner, struct worker_group *group, struct worker **ret,
               struct error *err);

/*
 * Acceptor: hands up to WORKER_HANDOFFS_MAX connections over in one write(2), each with a
 * settings_ref of its listener's. False, and none of them: the worker is too far behind. Never
 * waits.
 */
bool worker_hand_over(struct worker *worker, const struct handoff *handoffs, size_t count);

/* Acceptor: waits until one of them can be handed something; false: none can after so long. */
bool worker_wait_for_room(struct worker *const *workers, unsigned count, int timeout_ms);

/* Connections it has, those on their way to it included. Any thread. */
unsigned worker_load(const struct worker *worker);

/* What it counts; there as long as the worker is. Any thread. */
const struct metrics_shard *worker_metrics(const struct worker *worker);

/* What to do from now on; orders only ever go up. After WORKER_DRAIN nothing may be handed over.
 * Any thread. */
void worker_order(struct worker *worker, enum worker_order order);

/*
 * Has it log one line (event=live) per connection that it has, some in each turn and only as fast
 * as the log is written, so that neither the connections wait nor lines are dropped. Any thread.
 */
void worker_list(struct worker *worker);

/* Whether its thread has ended, as any order lets it do once it has no connections. Any thread. */
bool worker_ended(const struct worker *worker);

/* Its loop's, to ask its heartbeat. Any thread. */
struct reactor *worker_reactor(struct worker *worker);

/* Waits until its thread has ended, and frees it. */
void worker_join(struct worker *worker);

#endif
