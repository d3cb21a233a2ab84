/* SPDX-License-Identifier: MIT */
/*
 * Connections on their way from the acceptor to a worker, oldest first. All queues of a group share
 * a mutex, so that the acceptor can wait for room in any of them; it is held to copy handoffs only.
 *
 * Ownership: the worker's, and its group's.   Threads: any.
 */
#ifndef TLSECHO_HANDOFF_QUEUE_H
#define TLSECHO_HANDOFF_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/server/worker_handoff.h"

enum { HANDOFF_QUEUE_MAX = 16 * WORKER_HANDOFFS_MAX };

/* Of a group. */
struct handoff_queues {
    pthread_mutex_t mutex;
    pthread_cond_t room;  /* one that was full is so no longer */
    unsigned count, full; /* full: without room for WORKER_HANDOFFS_MAX */
};

struct handoff_queue {
    struct handoff_queues *all;
    size_t first, count;
    struct handoff items[HANDOFF_QUEUE_MAX];
};

void handoff_queues_init(struct handoff_queues *all);
void handoff_queues_done(struct handoff_queues *all);

/* Of zeros, one of a group. Threads: one, before any is used. */
void handoff_queue_join(struct handoff_queue *queue, struct handoff_queues *all);

/* Appends all of them, or none: false if there is no room. */
bool handoff_queue_add(struct handoff_queue *queue, const struct handoff *handoffs, size_t count);

/* Takes the oldest ones, up to WORKER_HANDOFFS_MAX; returns how many. *ret_more: there are others.
 */
size_t handoff_queue_take(struct handoff_queue *queue, struct handoff ret[WORKER_HANDOFFS_MAX],
                          bool *ret_more);

/* Waits until one of the queues is not full; false: time-out. */
bool handoff_queues_wait_for_room(struct handoff_queues *all, int timeout_ms);

#endif
