/* SPDX-License-Identifier: MIT */
/*
 * Checks that every event loop responds: wakes each thread and waits for one more turn of its loop.
 * The watchdog of the service manager relies on it.
 *
 * Ownership: the reactors stay their threads'.   Threads: one at a time.
 */
#ifndef TLSECHO_HEARTBEAT_H
#define TLSECHO_HEARTBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/reactor.h"

enum { HEARTBEAT_NAME_BYTES = 32 };

struct heartbeat_thread {
    char name[HEARTBEAT_NAME_BYTES];
    struct reactor *reactor; /* NULL = the thread has ended */
    unsigned turns;          /* of its loop when it was asked */
    uint64_t asked_us;       /* when it was asked for the turn that is still missing */
};

struct heartbeat {
    struct heartbeat_thread *threads;
    size_t count;
};

/* Adds a thread. A longer name is cut. ERROR_SYSTEM (memory). */
int heartbeat_add(struct heartbeat *heartbeat, const char *name, struct reactor *reactor,
                  struct error *err);

/* Removes a thread, before it ends. */
void heartbeat_forget(struct heartbeat *heartbeat, const struct reactor *reactor);

/* Asks every thread for one more turn, unless one is still missing. */
void heartbeat_ask(struct heartbeat *heartbeat, uint64_t now_us);

/* 0 if every thread has responded, else the longest time without a response; *ret_name is the name
 * of that thread, valid until the next heartbeat_add or heartbeat_done. */
uint64_t heartbeat_silent_us(const struct heartbeat *heartbeat, uint64_t now_us,
                             const char **ret_name);

void heartbeat_done(struct heartbeat *heartbeat);

#endif
