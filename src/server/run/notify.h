/* SPDX-License-Identifier: MIT */
/*
 * Notifications for a service manager: the datagrams of sd_notify(3), without its library. Without
 * NOTIFY_SOCKET in the environment nothing is sent.
 *
 * Ownership: owns its socket, which is connected at once, before the sandbox.
 * Threads: one at a time.
 */
#ifndef TLSECHO_NOTIFY_H
#define TLSECHO_NOTIFY_H

#include <stdint.h>

#include "tlsecho/base/error.h"

struct notify {
    int fd;               /* -1 = send nothing */
    uint64_t watchdog_us; /* WATCHDOG=1 is due within; 0 = no watchdog, sd_watchdog_enabled(3) */
};

/* By NOTIFY_SOCKET (a path, or @ and an abstract name), WATCHDOG_USEC and WATCHDOG_PID. On failure
 * *ret sends nothing. ERROR_SYSTEM, ERROR_INPUT (not a socket address). */
int notify_open(struct notify *ret, struct error *err);

/* Sends state, such as "READY=1", and the status text, which may be NULL. Waits up to a second if
 * the manager's queue is full. ERROR_SYSTEM. */
int notify_send(const struct notify *notify, const char *state, const char *status,
                struct error *err);

void notify_close(struct notify *notify);

#endif
