/* SPDX-License-Identifier: MIT */
/*
 * What the workers of a process share: the mutex of what is handed over to them, and the number of
 * each one's oldest unfinished handshake. With it the oldest of all is found when there are too
 * many.
 *
 * Ownership: the server's; must outlive the workers.   Threads: said at each function.
 */
#ifndef TLSECHO_WORKER_GROUP_INTERNAL_H
#define TLSECHO_WORKER_GROUP_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "handoff_queue.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/worker_group.h"

/* Adds a worker, and returns its number. wants: where WORKER_REQUEST_TRIM is set to wake it.
 * Threads: the one that makes the workers, before any connection comes. */
enum {
    WORKER_REQUEST_LIST = 1,
    WORKER_REQUEST_TRIM = 2,
    WORKER_REQUEST_CALL = 4,
    WORKER_REQUEST_HANDOFFS = 8,
};
unsigned worker_group_join(struct worker_group *group, struct reactor *reactor,
                           atomic_uint *requests);

/* After worker_group_stop_soon. Any thread. */
bool worker_group_stops_soon(const struct worker_group *group);

/* For a queue of each worker. */
struct handoff_queues *worker_group_handoffs(struct worker_group *group);

/* It has limits.handshakes; may be NULL. */
struct admission *worker_group_admission(const struct worker_group *group);

/* A number for the handshake that starts now. Any thread. */
uint64_t worker_group_next(struct worker_group *group);

/* Sets the number of that worker's oldest unfinished handshake. Its thread. */
#define WORKER_GROUP_NONE UINT64_MAX
void worker_group_publish(struct worker_group *group, unsigned worker, uint64_t oldest);

/* The worker with the oldest of all; -1 = none. Any thread. */
int worker_group_oldest(const struct worker_group *group);

/* Makes that worker close its oldest ones while there are too many. Any thread. */
void worker_group_trim(struct worker_group *group, unsigned worker);

#endif
