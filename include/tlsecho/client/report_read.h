/* SPDX-License-Identifier: MIT */
/*
 * Receives the report of a listener with `service: report`, and looks at this end of the same
 * connection.
 *
 * Ownership: the caller's memory; the session stays the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_REPORT_READ_H
#define TLSECHO_REPORT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/report.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* The report as it came. */
struct report_reading {
    char text[REPORT_BYTES_MAX];
    size_t n;
};

/*
 * Of a session that has just been opened. Blocks, at most for limit_us, 0 = for ever; an interrupt
 * ends it. False: no report came, or it is none, as the outcome says.
 */
bool report_read(struct report_reading *r, const struct session *session, uint64_t limit_us,
                 struct report *ret, struct outcome *outcome);

/* This end's view of a session that is open, or whose link is. */
void report_look_here(const struct session *session, struct report_view *ret);

#endif
