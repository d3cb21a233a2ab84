/* SPDX-License-Identifier: MIT */
/*
 * A thread of the load.
 *
 * Ownership: bench_thread_done frees what init has made.   Threads: one makes it, another runs it.
 */
#ifndef TLSECHO_BENCH_THREAD_H
#define TLSECHO_BENCH_THREAD_H

#include "bench_state.h"

/* ERROR_SYSTEM; bench_thread_done in any case. index: 0 to load.threads - 1. */
int bench_thread_init(struct bench_thread *t, struct bench_run *run, uint32_t index,
                      struct error *err);
void bench_thread_done(struct bench_thread *t);

/* The loop, for thread_start. */
void *bench_thread_main(void *thread);

#endif
