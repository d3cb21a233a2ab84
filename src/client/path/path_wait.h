/* SPDX-License-Identifier: MIT */
/*
 * How a stage waits for its connections: for any of them, for a deadline, or until the run is
 * interrupted.
 *
 * Ownership: the descriptors are the caller's.   Threads: one.
 */
#ifndef TLSECHO_PATH_WAIT_H
#define TLSECHO_PATH_WAIT_H

#include <stdbool.h>

#include "tlsecho/client/session_wait.h"

/* A wait for nothing but an interrupt. */
void path_wait_init(struct session_wait *ret);

/* For one more connection: want is a set of enum want; WANT_NOTHING waits for an error alone. Until
 * due_us at most (clock_now_us; UINT64_MAX = never). */
void path_wait_add(struct session_wait *wait, int fd, unsigned want, uint64_t due_us);

/* Returns SESSION_READY or SESSION_DUE; -1: interrupted, or ERROR_SYSTEM. */
int path_wait(struct session_wait *wait, struct error *err);

/* Whether what is wanted of a connection, or an error, is there. */
bool path_wait_is_ready(int fd, unsigned want);

#endif
