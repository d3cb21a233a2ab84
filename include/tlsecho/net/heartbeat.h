/* SPDX-License-Identifier: MIT */
/*
 * Whether every thread still turns: each is woken and asked for one more turn of its loop. The
 * watchdog is fed by it.
 *
 * Ownership: the reactors stay their threads'.   Threads: one at a time.
 */
#ifndef TLSECHO_HEARTBEAT_H
#define TLSECHO_HEARTBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/reactor.h"

struct heartbeat_thread {
    const char *name;
    struct reactor *reactor; /* NULL = it has ended, as it may */
    unsigned turns;          /* it had made when it was asked */
    uint64_t asked_us;       /* the first time that it was asked for the turn still awaited */
};

struct heartbeat {
    struct heartbeat_thread *threads;
    size_t count;
};

/* From now on that thread is asked too. name must outlive the heartbeat. ERROR_SYSTEM (memory). */
int heartbeat_add(struct heartbeat *heartbeat, const char *name, struct reactor *reactor,
                  struct error *err);

/* That thread ends, and need not turn any more. */
void heartbeat_forget(struct heartbeat *heartbeat, const struct reactor *reactor);

/* Wakes every thread for one more turn. */
void heartbeat_ask(struct heartbeat *heartbeat, uint64_t now_us);

/* 0 if every thread has turned since it was asked, else for how long one has not; ret_name is that
 * one's. */
uint64_t heartbeat_silent_us(const struct heartbeat *heartbeat, uint64_t now_us,
                             const char **ret_name);

void heartbeat_done(struct heartbeat *heartbeat);

#endif
