/* SPDX-License-Identifier: MIT */
/*
 * What the log says of a connection. Whoever was served always leaves a line at its end; those who
 * ended before do so as long as they are few, so that a flood of them fills no disk: the others are
 * counted, and the count is told at most once a second.
 *
 * Ownership: one for the process, as the log is.   Threads: any.
 */
#ifndef TLSECHO_CONN_LOG_H
#define TLSECHO_CONN_LOG_H

#include <stdint.h>

#include "tlsecho/server/conn.h"
#include "tlsecho/server/worker_handoff.h"

enum {
    CONN_LOG_PER_SECOND = 10, /* of those who ended before they were served */
    CONN_LOG_BURST = 100,     /* of them at once, after a quiet time */
};

/* Its last line, event=connection. */
void conn_log(const struct conn *c, const struct handoff *origin, uint64_t duration_us);

/* The line of one that could not even begin, for a reason of our own. Counts among the few. */
void conn_log_failed(const struct handoff *origin, const char *reason);

/* event=connections_not_logged with the count, if there is one to tell at now_us (clock_now_us;
 * UINT64_MAX = whatever the time). Returns when it is to be called again; UINT64_MAX = when
 * another one has ended. */
uint64_t conn_log_tell(uint64_t now_us);

/* A line on the way, event=live. idle_us: since a byte moved last. */
void conn_log_live(const struct conn *c, const struct handoff *origin, uint64_t age_us,
                   uint64_t idle_us);

#endif
