/* SPDX-License-Identifier: MIT */
/*
 * What the service manager hears from the server in the course of its life, and the watchdog, which
 * is fed only while every thread turns. Who cannot be told keeps nobody from serving: the log says
 * so.
 *
 * Ownership: owns its heartbeat, to which the threads are added.   Threads: the main one.
 */
#ifndef TLSECHO_SERVICE_MANAGER_H
#define TLSECHO_SERVICE_MANAGER_H

#include <stddef.h>
#include <stdint.h>

#include "notify.h"
#include "tlsecho/net/heartbeat.h"

struct service_manager {
    struct notify notify;
    struct heartbeat heartbeat;
    uint64_t feed_us; /* when the watchdog is due; UINT64_MAX = there is none */
};

void service_manager_open(struct service_manager *ret);
void service_manager_close(struct service_manager *manager);

/* Serving so many addresses: at the start, and when a reload is over. */
void service_manager_ready(const struct service_manager *manager, size_t addresses,
                           unsigned workers);

void service_manager_reloading(const struct service_manager *manager);

/* The reload is over, everything is as it was, and why. */
void service_manager_refused(const struct service_manager *manager, const char *why);

/* why: what kept it from serving; NULL = it served, and drains. */
void service_manager_stopping(const struct service_manager *manager, const char *why);

/* From feed_us on: feeds the watchdog if every thread has turned since the last time, and asks each
 * for the next time. */
void service_manager_feed(struct service_manager *manager);

#endif
