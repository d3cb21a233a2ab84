/* SPDX-License-Identifier: MIT */
/*
 * Notifications to the service manager over the server's life, and its watchdog, which is fed only
 * while every thread responds. A notification that fails is logged and does not stop the server.
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

/* READY=1, with a status text: at the start, and after a reload. */
void service_manager_ready(const struct service_manager *manager, size_t addresses,
                           unsigned workers);

void service_manager_reloading(const struct service_manager *manager);

/* The reload was refused, and why. */
void service_manager_refused(const struct service_manager *manager, const char *why);

/* why: the error at the start; NULL = the server drains. most_ms: how long that may take, for which
 * the service manager then waits, whatever its own limit; 0 = it is not asked to. */
void service_manager_stopping(const struct service_manager *manager, const char *why,
                              uint64_t most_ms);

/* From feed_us on: feeds the watchdog if every thread has responded since the last call, and asks
 * each of them again. */
void service_manager_feed(struct service_manager *manager);

#endif
