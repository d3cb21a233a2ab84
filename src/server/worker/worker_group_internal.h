/* SPDX-License-Identifier: MIT */
/*
 * What the workers of a process know of each other: since when the oldest handshake of each has
 * been unfinished. So the oldest of all can be found, and its worker told, when there are too many.
 *
 * Ownership: the server's; must outlive the workers.   Threads: said at each function.
 */
#ifndef TLSECHO_WORKER_GROUP_INTERNAL_H
#define TLSECHO_WORKER_GROUP_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include "tlsecho/net/reactor.h"
#include "tlsecho/server/worker_group.h"

/* Adds a worker, and returns its number. wants: where WORKER_WANTS_TRIM is set to wake it. Threads:
 * the one that makes the workers, before any connection comes. */
enum { WORKER_WANTS_LIST = 1, WORKER_WANTS_TRIM = 2 };
unsigned worker_group_join(struct worker_group *group, struct reactor *reactor, atomic_uint *wants);

/* What its limits are asked; may be NULL. */
struct admission *worker_group_admission(const struct worker_group *group);

/* The number of the handshake that begins now. Any thread. */
uint64_t worker_group_next(struct worker_group *group);

/* The number of that worker's oldest unfinished handshake. Its thread. */
#define WORKER_GROUP_NONE UINT64_MAX
void worker_group_publish(struct worker_group *group, unsigned worker, uint64_t oldest);

/* The worker with the oldest of all; -1 = there is none. Any thread. */
int worker_group_oldest(const struct worker_group *group);

/* Has that worker end its oldest while there are too many. Any thread. */
void worker_group_trim(struct worker_group *group, unsigned worker);

#endif
