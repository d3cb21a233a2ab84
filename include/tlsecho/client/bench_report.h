/* SPDX-License-Identifier: MIT */
/*
 * The result of a load on one server, or of several clients whose results were merged.
 *
 * Ownership: a report owns its measure; all else is borrowed.   Threads: one.
 */
#ifndef TLSECHO_BENCH_REPORT_H
#define TLSECHO_BENCH_REPORT_H

#include "tlsecho/client/bench_load.h"
#include "tlsecho/client/bench_measure.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/session.h"

#define BENCH_ENDLESS_S 1e9 /* a longer run has no end to wait for */

enum { BENCH_NAME_BYTES = ENDPOINT_TEXT_BYTES };

struct bench_report {
    const struct options *options;
    char name[BENCH_NAME_BYTES]; /* of the server, "tls://localhost:7443", or of what was merged */
    struct bench_load load;      /* all of it, not that of a round */
    bool merged;                 /* from files: there was no session, and perhaps no one load */
    struct session *session;     /* opened before the load: its TLS facts stand for all; or NULL */
    bool interrupted;            /* it, or one of those that were merged, or the other one failed */
    bool unmeasured;             /* the other of two failed before this one's turn */
    uint64_t clients, clients_failed; /* of what was merged */
    const char *transport;            /* of what was merged; NULL = unknown */
    int64_t started_us;               /* of what was merged, since 1970; 0 = unknown */
    double rates_sum; /* of what was merged: messages per second of each, in its own time */
    uint64_t wanted_connections; /* over all rounds, however many were made */
    struct bench_measure measure;
    struct outcome outcome;
};

#endif
