/* SPDX-License-Identifier: MIT */
/*
 * The line that a connection leaves in the log at its end.   Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONN_LOG_H
#define TLSECHO_CONN_LOG_H

#include <stdint.h>

#include "tlsecho/conn.h"
#include "tlsecho/worker.h"

void conn_log(const struct conn *c, const struct handoff *origin, uint64_t duration_us);

#endif
