/* SPDX-License-Identifier: MIT */
/*
 * The only place where the client waits for a peer, beside dial.h and the loop of a load. It turns
 * a set of enum want into events of poll(2), continues after a signal handler, and ends at a
 * deadline or when a descriptor says that the run is to stop.
 *
 * Ownership: the descriptors are the caller's.   Threads: any.
 */
#ifndef TLSECHO_SESSION_WAIT_H
#define TLSECHO_SESSION_WAIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

enum { SESSION_WAIT_OTHERS = 32 };

enum session_event {
    SESSION_READY,   /* any of the descriptors, stop_fd excepted */
    SESSION_DUE,     /* due_us has passed */
    SESSION_STOPPED, /* stop_fd is readable, whatever else is ready */
};

struct session_wait {
    int fd, stop_fd; /* -1 = none */
    unsigned want;   /* of fd: a set of enum want; WANT_NOTHING leaves fd out, its errors too */
    uint64_t due_us; /* clock_now_us; UINT64_MAX = never */
    size_t other_count;
    struct pollfd others[SESSION_WAIT_OTHERS]; /* revents are filled in; fd -1 is left out */
};

/* Returns an enum session_event, or -1: ERROR_SYSTEM (memory). */
int session_wait(struct session_wait *w, struct error *err);

#endif
