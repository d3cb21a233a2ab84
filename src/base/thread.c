/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct beginning {
    const char *name;
    void *(*run)(void *);
    void *argument;
};

/* The thread sets its own name: for another thread that needs /proc, which a sandbox may hide. */
static void *begin(void *argument)
{
    struct beginning b = *(struct beginning *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), b.name);
    return b.run(b.argument);
}

/* Not those of a fault of the thread itself: a sanitizer reports it in their handler. */
static void block_signals(sigset_t *ret_before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t most;
    sigfillset(&most);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&most, faults[i]);
    pthread_sigmask(SIG_SETMASK, &most, ret_before);
}

static int start(pthread_t *ret, const pthread_attr_t *attributes,
                 const struct beginning *beginning, struct error *err)
{
    struct beginning *b = malloc(sizeof *b);
    if (!b)
        return error_sys(err, "start the %s thread", beginning->name);
    *b = *beginning;

    sigset_t before;
    block_signals(&before);
    errno = pthread_create(ret, attributes, begin, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno == 0)
        return 0;
    error_sys(err, "start the %s thread", beginning->name);
    if (err->code == EAGAIN) /* pthread_create(3) */
        error_advise(err,
                     "raise the limits of threads and memory, ulimit -u and -v, or TasksMax= and "
                     "MemoryMax= of the service");
    free(b);
    return -1;
}

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err)
{
    const struct beginning b = {.name = name, .run = run, .argument = argument};
    return start(ret, NULL, &b, err);
}

int thread_start_small(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                       struct error *err)
{
    enum { STACK_BYTES = 512 * 1024 }; /* for getaddrinfo(3) and what nsswitch.conf(5) loads */
    const struct beginning b = {.name = name, .run = run, .argument = argument};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int result = start(ret, &attributes, &b, err);
    pthread_attr_destroy(&attributes);
    return result;
}

void thread_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool thread_condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t due_us)
{
    const struct timespec due = {.tv_sec = (time_t)(due_us / 1000000),
                                 .tv_nsec = (long)(due_us % 1000000 * 1000)};
    return pthread_cond_timedwait(condition, mutex, &due) == 0;
}
