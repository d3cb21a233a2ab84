/* SPDX-License-Identifier: MIT */
/*
 * The address for whoever watches the server: /metrics, /healthz and /readyz, by a small HTTP/1.0
 * responder (RFC 9110, RFC 9112) on the main thread's reactor. It takes no lock of those who serve.
 * Whoever is slow, talks nonsense or comes in numbers is bounded here and costs nobody else.
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

/* Listens nowhere yet, and is not ready. ERROR_SYSTEM. */
int admin_new(struct reactor *reactor, const struct metrics *metrics, struct heartbeat *heartbeat,
              struct admin **ret, struct error *err);

/* Closes every connection. */
void admin_free(struct admin *admin);

/* Listens on these from now on, and no longer where it did. The sockets stay the caller's, as long
 * as they are in use; none = nowhere. */
void admin_listen(struct admin *admin, const struct listen_set *listen_set);

/* When admin_expire has something to do, by clock_now_us; UINT64_MAX = never. */
uint64_t admin_due_us(const struct admin *admin);

/* Ends whoever is too slow, and a pause. Whoever turns the reactor calls it when that is due. */
void admin_expire(struct admin *admin);

/* What /readyz says from now on: that all is there to serve, or not yet, or not any more. */
void admin_set_ready(struct admin *admin, bool ready);

#endif
