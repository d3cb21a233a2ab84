/* SPDX-License-Identifier: MIT */
/*
 * The counters of a thread, and their publication to the run.
 *
 * Ownership: nothing is kept.   Threads: the one that counts.
 */
#ifndef TLSECHO_BENCH_COUNT_H
#define TLSECHO_BENCH_COUNT_H

#include "bench_state.h"

void bench_count_up(struct bench_conn *c);
void bench_count_message(struct bench_thread *t, uint64_t due_ns, uint64_t begun_ns,
                         uint64_t now_ns);
void bench_count_bytes(struct bench_thread *t, uint64_t sent, uint64_t received, uint64_t now_ns);
void bench_count_failure(struct bench_conn *c, const struct outcome *outcome);

/* Wakes the thread that watches the run. */
void bench_count_news(struct bench_run *run);

/* Adds the thread's counts to the run's current second. */
void bench_count_publish(struct bench_thread *t);

/* CPU that the calling thread has used. */
void bench_count_cpu(double *ret_user_s, double *ret_system_s);

#endif
