/* SPDX-License-Identifier: MIT */
/*
 * An event loop: waits for descriptors with epoll(7), level-triggered, and for a time with
 * timerfd(2). The timer is set again only for an earlier time, so a deadline that each message
 * postpones, such as an idle time-out, costs no system call per message.
 *
 * Ownership: sources belong to the caller and must be removed before they are freed; `ready` may
 * remove its own source, but no other. Threads: one, except for the last two functions.
 */
#ifndef TLSECHO_REACTOR_H
#define TLSECHO_REACTOR_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/want.h"

struct reactor;

/* Embedded in the object that waits (container_of.h). Its owner sets the first two fields, and only
 * the reactor the last. */
struct reactor_source {
    void (*ready)(struct reactor_source *source);
    int fd;
    unsigned want; /* set of enum want; starts as WANT_NOTHING */
};

/* ERROR_SYSTEM. */
int reactor_new(struct reactor **ret, struct error *err);
void reactor_free(struct reactor *reactor);

/*
 * Changes what to wait for, a set of enum want; no system call if it is unchanged. WANT_NOTHING
 * removes the source, as EPOLLHUP cannot be masked and would wake it. ERROR_SYSTEM (memory, or the
 * limit of watches, epoll(7)).
 */
int reactor_want(struct reactor *reactor, struct reactor_source *source, unsigned want,
                 struct error *err);

/* Its descriptor, which is no duplicate and has none, is closed next: close(2) removes it too. */
void reactor_forget(struct reactor_source *source);

/* Ends a turn at due_us of clock_now_us at the latest (UINT64_MAX = never). An earlier alarm stays
 * set: the turn may end too soon, so check the time and set the alarm again. */
void reactor_alarm(struct reactor *reactor, uint64_t due_us);

enum reactor_patience { REACTOR_LOOK, REACTOR_WAIT };

/* One turn: calls `ready` of every source that is ready. REACTOR_WAIT waits for one, or for the
 * alarm. */
void reactor_turn(struct reactor *reactor, enum reactor_patience patience);

/* Ends the current or the next turn. Any thread. */
void reactor_wake(struct reactor *reactor);

/* How many turns have begun; it wraps around. Any thread. */
unsigned reactor_turns(const struct reactor *reactor);

#endif
