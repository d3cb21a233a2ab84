/* SPDX-License-Identifier: MIT */
/*
 * What the log says of a connection.   Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONN_LOG_H
#define TLSECHO_CONN_LOG_H

#include <stdint.h>

#include "tlsecho/conn.h"
#include "tlsecho/worker.h"

/* Its last line, event=connection. */
void conn_log(const struct conn *c, const struct handoff *origin, uint64_t duration_us);

/* A line on the way, event=live. idle_us: since a byte moved last. */
void conn_log_live(const struct conn *c, const struct handoff *origin, uint64_t age_us,
                   uint64_t idle_us);

#endif
