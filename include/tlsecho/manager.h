/* SPDX-License-Identifier: MIT */
/*
 * What the service manager hears from the server in the course of its life, and the watchdog, which
 * is fed only while every thread turns. Who cannot be told keeps nobody from serving: the log says
 * so.
 *
 * Ownership: owns its pulse, to which the threads are added.   Threads: the main one.
 */
#ifndef TLSECHO_MANAGER_H
#define TLSECHO_MANAGER_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/notify.h"
#include "tlsecho/pulse.h"

struct manager {
    struct notify notify;
    struct pulse pulse;
    uint64_t feed_us; /* when the watchdog is due; UINT64_MAX = there is none */
};

void manager_open(struct manager *ret);
void manager_close(struct manager *manager);

/* Serving so many addresses: at the start, and when a reload is over. */
void manager_ready(const struct manager *manager, size_t addresses, unsigned workers);

void manager_reloading(const struct manager *manager);

/* The reload is over, everything is as it was, and why. */
void manager_refused(const struct manager *manager, const char *why);

/* why: what kept it from serving; NULL = it served, and drains. */
void manager_stopping(const struct manager *manager, const char *why);

/* From feed_us on: feeds the watchdog if every thread has turned since the last time, and asks each
 * for the next time. */
void manager_feed(struct manager *manager);

#endif
