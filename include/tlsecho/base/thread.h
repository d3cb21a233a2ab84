/* SPDX-License-Identifier: MIT */
/* Threads and conditions, pthreads(7).   Threads: any. */
#ifndef TLSECHO_THREAD_H
#define TLSECHO_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

/*
 * Starts a thread with all signals blocked but those of its own faults, such as SIGSEGV, so that
 * only the main thread receives them (signal(7)).
 * name: at most 15 bytes, shown by ps and debuggers; must stay valid until the thread runs.
 * ERROR_SYSTEM.
 */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err);

/* The same with a small stack. */
int thread_start_small(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                       struct error *err);

/* A condition for thread_condition_wait. */
void thread_condition_init(pthread_cond_t *condition);

/* pthread_cond_wait(3) until due_us of clock_now_us(): the wall clock may be set back meanwhile.
 * False if that time has passed. */
bool thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t due_us);

#endif
