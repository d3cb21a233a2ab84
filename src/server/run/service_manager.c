/* SPDX-License-Identifier: MIT */
#include "service_manager.h"

#include <inttypes.h>
#include <stdio.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"

enum { SPARE_MS = 5000 }; /* from the end of the last time-out to that of the process */

static void notify(const struct service_manager *m, const char *state, const char *status)
{
    struct error err;
    if (notify_send(&m->notify, state, status, &err) < 0)
        log_reason(LOG_LEVEL_WARNING, "notify_failed", err.text);
}

void service_manager_open(struct service_manager *ret)
{
    struct error err;
    *ret = (struct service_manager){.feed_us = UINT64_MAX};
    if (notify_open(&ret->notify, &err) < 0)
        log_reason(LOG_LEVEL_WARNING, "notify_failed", err.text);
    if (ret->notify.watchdog_us > 0)
        ret->feed_us = clock_now_us();
}

void service_manager_close(struct service_manager *manager)
{
    heartbeat_done(&manager->heartbeat);
    notify_close(&manager->notify);
}

void service_manager_ready(const struct service_manager *manager, size_t addresses,
                           unsigned workers)
{
    char status[64];
    snprintf(status, sizeof status, "Serving: %zu addresses, %u workers", addresses, workers);
    notify(manager, "READY=1", status);
}

/* MONOTONIC_USEC: systemd.service(5), Type=notify-reload. */
void service_manager_reloading(const struct service_manager *manager)
{
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_us());
    notify(manager, state, "Reloading");
}

void service_manager_refused(const struct service_manager *manager, const char *why)
{
    notify(manager, "READY=1", why);
}

void service_manager_stopping(const struct service_manager *manager, const char *why,
                              uint64_t most_ms)
{
    char state[64] = "STOPPING=1";
    if (most_ms > 0)
        snprintf(state, sizeof state, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                 (most_ms + SPARE_MS) * 1000);
    notify(manager, state, why ? why : "Draining");
}

void service_manager_feed(struct service_manager *manager)
{
    const char *name;
    uint64_t now_us = clock_now_us(), every_us = manager->notify.watchdog_us / 2;
    if (now_us < manager->feed_us)
        return;
    manager->feed_us = now_us + every_us;
    uint64_t silent_us = heartbeat_silent_us(&manager->heartbeat, now_us, &name);
    struct log_line line;
    if (silent_us < every_us) { /* /healthz asks too, in between */
        notify(manager, "WATCHDOG=1", NULL);
    } else if (log_begin(&line, LOG_LEVEL_ERROR, "watchdog_withheld")) {
        char reason[64];
        snprintf(reason, sizeof reason, "%s has not responded for %" PRIu64 " s", name,
                 silent_us / 1000000);
        log_text(&line, "reason", reason);
        log_text(&line, "thread", name);
        log_seconds(&line, "silent", silent_us);
        log_end(&line);
    }
    heartbeat_ask(&manager->heartbeat, now_us);
}
