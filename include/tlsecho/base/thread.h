/* SPDX-License-Identifier: MIT */
/* Threads, pthreads(7).   Threads: any. */
#ifndef TLSECHO_THREAD_H
#define TLSECHO_THREAD_H

#include <pthread.h>

#include "tlsecho/base/error.h"

/*
 * Starts a thread with every signal blocked in it, so that signals are the main thread's alone
 * (signal(7)). name: at most 15 bytes, shown by ps and debuggers; it must outlive the thread's
 * start. ERROR_SYSTEM.
 */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err);

/* The same for a thread that nobody joins, with a small stack. */
int thread_start_detached(const char *name, void *(*run)(void *), void *argument,
                          struct error *err);

#endif
