/* SPDX-License-Identifier: MIT */
/*
 * The results of a ping so far, and how they are printed.
 *
 * Ownership: values; the probes are the mode's.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_PING_H
#define TLSECHO_OUTPUT_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/options.h"
#include "tlsecho/client/ping_timeline.h"
#include "tlsecho/client/probes.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"
#include "tlsecho/client/stamp_flow.h"
#include "tlsecho/net/tcp_stats.h"

struct ping_totals {
    struct probes probes;
    struct ping_timeline timeline;
    uint64_t started_us, ended_us; /* clock_now_us */
    uint64_t connections;
    uint64_t phase_us[PHASES]; /* of the last connection, see struct session */
    uint64_t bytes_sent, bytes_received;
    uint64_t lost_by[RESULTS]; /* late and lost probes by reason */
    bool kernel_tells;
    struct tcp_stats kernel; /* of the last connection; retransmits of all */
    bool by_stamp;           /* and `stamp` has been measured */
    struct stamp_result stamp;
};

/* Each prints one line or JSON object on standard output, if the options ask for it. */
void output_ping_connected(const struct options *options, const struct session *session,
                           const struct ping_totals *totals);
void output_ping_reply(const struct options *options, const struct session *session,
                       const struct probe *probe, uint64_t size_bytes);
/* Another reply to a probe that had been answered. */
void output_ping_duplicate(const struct options *options, uint64_t seq);
/* The reply time-out is over; a reply may still come. */
void output_ping_overdue(const struct options *options, const struct probe *probe);
/* count probes from first_seq on are lost. */
void output_ping_lost(const struct options *options, uint64_t first_seq, uint64_t count,
                      const struct outcome *why);

/* The state so far, in one line on standard error. */
void output_ping_interim(const struct ping_totals *totals);

/* The summary at the end. */
void output_ping(const struct options *options, const struct session *session,
                 const struct ping_totals *totals, const struct outcome *outcome);

#endif
