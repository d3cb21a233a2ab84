/* SPDX-License-Identifier: MIT */
/*
 * What a worker does with all of its connections.
 *
 * Ownership: the worker's.   Threads: the worker's.
 */
#ifndef TLSECHO_WORKER_LOOP_H
#define TLSECHO_WORKER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct worker_loop;

void worker_loop_init(struct worker_loop *loop);

/* After the last connection has ended. */
void worker_loop_done(struct worker_loop *loop);

/* Runs the connections that had more to do than one turn allows. */
void worker_loop_run_runnable(struct worker_loop *loop);

/* Handles every expired time-out. */
void worker_loop_expire(struct worker_loop *loop);

/* Starts to log every open connection (event=live), unless a list is under way. */
void worker_loop_list(struct worker_loop *loop);

/* Logs some more of them, if the log queue has room. */
void worker_loop_list_some(struct worker_loop *loop);

/* Whether there is work to do without waiting. */
bool worker_loop_is_busy(const struct worker_loop *loop);

/* When worker_loop_expire or worker_loop_list_some is due; UINT64_MAX = never. */
uint64_t worker_loop_due_us(struct worker_loop *loop);

/* Close every connection: once it is quiet; in order, now; at once. */
void worker_loop_drain(struct worker_loop *loop);
void worker_loop_finish(struct worker_loop *loop);
void worker_loop_stop(struct worker_loop *loop);

#endif
