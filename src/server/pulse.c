/* SPDX-License-Identifier: MIT */
#include "tlsecho/pulse.h"

#include <stdbool.h>
#include <stdlib.h>

int pulse_add(struct pulse *pulse, const char *name, struct reactor *reactor, struct error *err)
{
    struct pulse_thread *threads =
        reallocarray(pulse->threads, pulse->count + 1, sizeof threads[0]);
    if (!threads)
        return error_sys(err, "watch the threads");
    pulse->threads = threads;
    /* A turn behind what it has made: nothing is awaited before it is asked. */
    threads[pulse->count++] = (struct pulse_thread){
        .name = name, .reactor = reactor, .turns = reactor_turns(reactor) - 1};
    return 0;
}

void pulse_forget(struct pulse *pulse, const struct reactor *reactor)
{
    for (size_t i = 0; i < pulse->count; i++)
        if (pulse->threads[i].reactor == reactor)
            pulse->threads[i].reactor = NULL;
}

static bool is_awaited(const struct pulse_thread *thread)
{
    return thread->reactor && reactor_turns(thread->reactor) == thread->turns;
}

void pulse_ask(struct pulse *pulse, uint64_t now_us)
{
    for (size_t i = 0; i < pulse->count; i++) {
        struct pulse_thread *thread = &pulse->threads[i];
        if (!thread->reactor || is_awaited(thread))
            continue;
        thread->turns = reactor_turns(thread->reactor);
        thread->asked_us = now_us;
        reactor_wake(thread->reactor);
    }
}

uint64_t pulse_silent_us(const struct pulse *pulse, uint64_t now_us, const char **ret_name)
{
    uint64_t longest_us = 0;
    for (size_t i = 0; i < pulse->count; i++) {
        const struct pulse_thread *thread = &pulse->threads[i];
        if (!is_awaited(thread) || now_us - thread->asked_us <= longest_us)
            continue;
        longest_us = now_us - thread->asked_us;
        *ret_name = thread->name;
    }
    return longest_us;
}

void pulse_done(struct pulse *pulse)
{
    free(pulse->threads);
    *pulse = (struct pulse){.count = 0};
}
