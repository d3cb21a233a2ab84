/* SPDX-License-Identifier: MIT */
/*
 * The log lines of a connection. One that was served is always logged at its end. Those that end
 * earlier are logged up to a rate, so that a flood does not fill the disk; the rest is counted, and
 * the count is logged at most once a second.
 *
 * Ownership: one for the process, as the log is.   Threads: any.
 */
#ifndef TLSECHO_CONN_LOG_H
#define TLSECHO_CONN_LOG_H

#include <stdint.h>

#include "tlsecho/net/syn.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/worker_handoff.h"

enum {
    CONN_LOG_PER_SECOND = 10, /* of those that end before they are served */
    CONN_LOG_BURST = 100,     /* of them at once, after a quiet period */
};

/* Its last line, event=connection. own: its local address; length 0 = unknown. */
void conn_log(const struct conn *c, const struct handoff *origin, const struct address *own,
              uint64_t duration_us);

/* event=connection_failed: no memory or descriptor to serve it. Rate-limited likewise. */
void conn_log_failed(const struct handoff *origin, const char *reason);

/* Logs event=connections_not_logged if it is due at now_us (clock_now_us; UINT64_MAX = now).
 * Returns when to call it again; UINT64_MAX = after the next connection that ends early. */
uint64_t conn_log_flush(uint64_t now_us);

/* event=syn, of a connection that has just been accepted; level debug. */
void conn_log_syn(const struct handoff *origin, const struct syn *syn);

/* event=live, for an open connection. idle_us: since the last byte. */
void conn_log_live(const struct conn *c, const struct handoff *origin, uint64_t age_us,
                   uint64_t idle_us);

#endif
