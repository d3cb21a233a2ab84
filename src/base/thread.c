/* SPDX-License-Identifier: MIT */
#include "tlsecho/thread.h"

#include <errno.h>
#include <signal.h>

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *argument,
                 struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(ret, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno != 0)
        return error_sys(err, "start the %s thread", name);
    pthread_setname_np(*ret, name);
    return 0;
}
