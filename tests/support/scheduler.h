/* SPDX-License-Identifier: MIT */
/*
 * Threads that run one at a time, in the order that a test chooses. A thread runs from one stop to
 * the next: where it locks a mutex, waits for a condition, for events or for the end of another
 * thread, or has woken an event loop. Time passes only when the test says so. The code is the real
 * one: SCHEDULER_REPLACE_C_LIBRARY replaces the functions that it calls.
 *
 * Ownership: static.   Threads: the test's, except for the replacements.
 */
#ifndef TLSECHO_SCHEDULER_H
#define TLSECHO_SCHEDULER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { SCHEDULER_THREADS = 8 };

/* From now on each other thread waits for its turns. Forgets those from before: what has not ended
 * never will. */
void scheduler_begin(void);

/* Whether they also stop behind each lock, and where they look at the clock. */
void scheduler_stop_often(bool often);

/* Waits until a thread that has just been started is at its first stop; returns its number, from 0
 * in the order of their starts. */
unsigned scheduler_adopt(void);

/* How many have been started. */
unsigned scheduler_count(void);

/* Whether it could go on now: what it waits for is there. */
bool scheduler_can_run(unsigned thread);

bool scheduler_has_ended(unsigned thread);

/* Runs it to its next stop, or to its end. */
void scheduler_run(unsigned thread);

/* Runs all threads until none can go on. False: that has no end. */
bool scheduler_run_all(void);

void scheduler_pass(uint64_t time_us);
uint64_t scheduler_now_us(void);

/* For the hash of a state: where each thread is. */
uint64_t scheduler_state(void);

/* The replacements. */
int scheduler_lock(pthread_mutex_t *mutex);
int scheduler_unlock(pthread_mutex_t *mutex);
int scheduler_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int scheduler_signal(pthread_cond_t *cond);
int scheduler_join(pthread_t thread, void **result);
int scheduler_poll(int fd, struct epoll_event *events, int count, int timeout_ms);
int scheduler_set_timer(int fd, const struct itimerspec *after);
ssize_t scheduler_write(int fd, const void *data, size_t size);
int scheduler_time(struct timespec *ret);

/* Once in a program. */
#define SCHEDULER_REPLACE_C_LIBRARY                                                                \
    int pthread_mutex_lock(pthread_mutex_t *mutex)                                                 \
    {                                                                                              \
        return scheduler_lock(mutex);                                                              \
    }                                                                                              \
    int pthread_mutex_unlock(pthread_mutex_t *mutex)                                               \
    {                                                                                              \
        return scheduler_unlock(mutex);                                                            \
    }                                                                                              \
    int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)                            \
    {                                                                                              \
        return scheduler_wait(cond, mutex, NULL);                                                  \
    }                                                                                              \
    int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,                       \
                               const struct timespec *until)                                       \
    {                                                                                              \
        return scheduler_wait(cond, mutex, until);                                                 \
    }                                                                                              \
    int pthread_cond_signal(pthread_cond_t *cond)                                                  \
    {                                                                                              \
        return scheduler_signal(cond);                                                             \
    }                                                                                              \
    int pthread_join(pthread_t thread, void **result)                                              \
    {                                                                                              \
        return scheduler_join(thread, result);                                                     \
    }                                                                                              \
    int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)                  \
    {                                                                                              \
        return scheduler_poll(fd, events, count, timeout_ms);                                      \
    }                                                                                              \
    int timerfd_settime(int fd, int flags, const struct itimerspec *after,                         \
                        struct itimerspec *before)                                                 \
    {                                                                                              \
        (void)flags;                                                                               \
        (void)before;                                                                              \
        return scheduler_set_timer(fd, after);                                                     \
    }                                                                                              \
    ssize_t write(int fd, const void *data, size_t size)                                           \
    {                                                                                              \
        return scheduler_write(fd, data, size);                                                    \
    }                                                                                              \
    int clock_gettime(clockid_t clock, struct timespec *ret)                                       \
    {                                                                                              \
        (void)clock;                                                                               \
        return scheduler_time(ret);                                                                \
    }

#endif
