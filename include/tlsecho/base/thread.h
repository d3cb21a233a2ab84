/* SPDX-License-Identifier: MIT */
/* Threads, pthreads(7).   Threads: any. */
#ifndef TLSECHO_THREAD_H
#define TLSECHO_THREAD_H

#include <pthread.h>

#include "tlsecho/base/error.h"

/*
 * Starts a thread with all signals blocked, so that only the main thread receives them (signal(7)).
 * name: at most 15 bytes, shown by ps and debuggers; must stay valid until the thread runs.
 * ERROR_SYSTEM.
 */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err);

/* The same for a detached thread, with a small stack. */
int thread_start_detached(const char *name, void *(*run)(void *), void *argument,
                          struct error *err);

#endif
