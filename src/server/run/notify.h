/* SPDX-License-Identifier: MIT */
/*
 * What a service manager is told: the datagrams of sd_notify(3), without its library. Without
 * NOTIFY_SOCKET in the environment nobody wants to know, and nothing is sent.
 *
 * Ownership: owns its socket, which is connected at once: no sandbox gets between.
 * Threads: one at a time.
 */
#ifndef TLSECHO_NOTIFY_H
#define TLSECHO_NOTIFY_H

#include <stdint.h>

#include "tlsecho/base/error.h"

struct notify {
    int fd;               /* -1 = nobody wants to know */
    uint64_t watchdog_us; /* WATCHDOG=1 is due within; 0 = no watchdog, sd_watchdog_enabled(3) */
};

/* By NOTIFY_SOCKET (a path, or @ and an abstract name), WATCHDOG_USEC and WATCHDOG_PID. On failure
 * *ret is one that nobody listens to. ERROR_SYSTEM, ERROR_INPUT (what is no socket's address). */
int notify_open(struct notify *ret, struct error *err);

/* Sends state, "READY=1" and the like, and in words what the server does (status may be NULL).
 * Waits up to a second for a manager that is far behind. ERROR_SYSTEM. */
int notify_send(const struct notify *notify, const char *state, const char *status,
                struct error *err);

void notify_close(struct notify *notify);

#endif
