/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/heartbeat.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

int heartbeat_add(struct heartbeat *heartbeat, const char *name, struct reactor *reactor,
                  struct error *err)
{
    struct heartbeat_thread *threads =
        reallocarray(heartbeat->threads, heartbeat->count + 1, sizeof threads[0]);
    if (!threads)
        return error_sys(err, "watch the threads");
    heartbeat->threads = threads;
    /* One turn less than it has made: no turn is missing before it is asked. */
    struct heartbeat_thread *thread = &threads[heartbeat->count++];
    *thread = (struct heartbeat_thread){.reactor = reactor, .turns = reactor_turns(reactor) - 1};
    snprintf(thread->name, sizeof thread->name, "%s", name);
    return 0;
}

void heartbeat_forget(struct heartbeat *heartbeat, const struct reactor *reactor)
{
    for (size_t i = 0; i < heartbeat->count; i++)
        if (heartbeat->threads[i].reactor == reactor)
            heartbeat->threads[i].reactor = NULL;
}

static bool is_awaited(const struct heartbeat_thread *thread)
{
    return thread->reactor && reactor_turns(thread->reactor) == thread->turns;
}

void heartbeat_ask(struct heartbeat *heartbeat, uint64_t now_us)
{
    for (size_t i = 0; i < heartbeat->count; i++) {
        struct heartbeat_thread *thread = &heartbeat->threads[i];
        if (!thread->reactor || is_awaited(thread))
            continue;
        thread->turns = reactor_turns(thread->reactor);
        thread->asked_us = now_us;
        reactor_wake(thread->reactor);
    }
}

uint64_t heartbeat_silent_us(const struct heartbeat *heartbeat, uint64_t now_us,
                             const char **ret_name)
{
    uint64_t longest_us = 0;
    for (size_t i = 0; i < heartbeat->count; i++) {
        const struct heartbeat_thread *thread = &heartbeat->threads[i];
        if (!is_awaited(thread) || now_us - thread->asked_us <= longest_us)
            continue;
        longest_us = now_us - thread->asked_us;
        *ret_name = thread->name;
    }
    return longest_us;
}

void heartbeat_done(struct heartbeat *heartbeat)
{
    free(heartbeat->threads);
    *heartbeat = (struct heartbeat){.count = 0};
}
