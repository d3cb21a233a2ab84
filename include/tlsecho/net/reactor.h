/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many descriptors at once: epoll(7), level-triggered; and for a time: timerfd(2),
 * which is set again only for an earlier one. What moves on with each message, as an idle time-out
 * does, then costs no timer each time that the kernel waits.
 *
 * Ownership: sources belong to the caller and must be removed before they go; a source that is
 * being called may remove itself, and only itself.   Threads: its own, but for the last two calls.
 */
#ifndef TLSECHO_REACTOR_H
#define TLSECHO_REACTOR_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/want.h"

struct reactor;

/* Embedded in whatever waits. The first two are set by its owner, the last by the reactor alone. */
struct reactor_source {
    int fd;
    void (*ready)(struct reactor_source *source);
    unsigned want; /* set of enum want; starts as WANT_NOTHING */
};

/* ERROR_SYSTEM. */
int reactor_new(struct reactor **ret, struct error *err);
void reactor_free(struct reactor *reactor);

/*
 * Waits for that set of enum want from now on; no system call if it is unchanged. WANT_NOTHING
 * removes the source: an error on the descriptor would wake it otherwise (EPOLLHUP cannot be
 * masked). ERROR_SYSTEM (memory, or the system's limit of watches).
 */
int reactor_want(struct reactor *reactor, struct reactor_source *source, unsigned want,
                 struct error *err);

/* A turn shall not wait beyond due_us of clock_now_us (UINT64_MAX = never). What was asked for
 * before and is earlier stays: the turn then ends too soon, and whoever asked looks again. */
void reactor_alarm(struct reactor *reactor, uint64_t due_us);

enum reactor_patience { REACTOR_LOOK, REACTOR_WAIT };

/* One turn: calls `ready` of every source that is; REACTOR_WAIT waits for one, or for the alarm. */
void reactor_turn(struct reactor *reactor, enum reactor_patience patience);

/* Makes the present or the next turn end. Any thread. */
void reactor_wake(struct reactor *reactor);

/* How many turns have begun; it wraps around. Any thread. */
unsigned reactor_turns(const struct reactor *reactor);

#endif
