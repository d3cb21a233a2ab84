/* SPDX-License-Identifier: MIT */
/*
 * The admin address: /metrics, /healthz and /readyz, by a small HTTP/1.0 responder (RFC 9110, RFC
 * 9112) on the main thread's reactor. It takes no lock of the workers. Slow, malformed and numerous
 * requests are bounded and do not slow down the service.
 *
 * Ownership: an admin owns its connections; the reactor, metrics, heartbeat and listening sockets
 * must outlive it. Threads: the reactor's.
 */
#ifndef TLSECHO_ADMIN_H
#define TLSECHO_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/heartbeat.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/listen_set.h"
#include "tlsecho/server/metrics.h"

struct admin;

/* Does not listen yet, and is not ready. ERROR_SYSTEM. */
int admin_new(struct reactor *reactor, const struct metrics *metrics, struct heartbeat *heartbeat,
              struct admin **ret, struct error *err);

/* Closes every connection. */
void admin_free(struct admin *admin);

/* Listens on these sockets instead of the former ones; none = nowhere. They stay the caller's and
 * must outlive their use. */
void admin_listen(struct admin *admin, const struct listen_set *listen_set);

/* When admin_expire is due, clock_now_us; UINT64_MAX = never. */
uint64_t admin_due_us(const struct admin *admin);

/* Closes connections that are too slow, and ends a pause. Called by the owner of the reactor. */
void admin_expire(struct admin *admin);

/* Whether /readyz answers 200 from now on. */
void admin_set_ready(struct admin *admin, bool ready);

#endif
