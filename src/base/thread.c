/* SPDX-License-Identifier: MIT */
#include "tlsecho/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct beginning {
    const char *name;
    void *(*run)(void *);
    void *argument;
};

/* A thread names itself: from outside that takes /proc, which a sandbox does not show. */
static void *begin(void *argument)
{
    struct beginning b = *(struct beginning *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), b.name);
    return b.run(b.argument);
}

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err)
{
    struct beginning *b = malloc(sizeof *b);
    if (!b)
        return error_sys(err, "start the %s thread", name);
    *b = (struct beginning){.name = name, .run = run, .argument = argument};

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(ret, NULL, begin, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno == 0)
        return 0;
    error_sys(err, "start the %s thread", name);
    free(b);
    return -1;
}
