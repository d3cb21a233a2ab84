/* SPDX-License-Identifier: MIT */
/*
 * The results of a load on one server, and how they are printed: as text, as JSON, as a page; while
 * it runs, too.
 *
 * Ownership: a report owns its measure; all else is borrowed.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_BENCH_H
#define TLSECHO_OUTPUT_BENCH_H

#include "tlsecho/client/bench.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/session.h"

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

/* On a terminal: one line on standard error that is written over and over; it is erased at the end.
 * With -v a line per second on standard output, in words or as JSON. context: a report. */
void output_bench_progress(void *context, const struct bench_progress *progress);
void output_bench_progress_end(const struct options *options);

/* The end of a run, on standard output: one server in words, or two side by side; or one JSON
 * object. count: 1 or 2 reports. */
void output_bench(const struct bench_report *reports, size_t count, const struct outcome *outcome);

/* The sum of what several clients measured: likewise. */
void output_merge(const struct bench_report *report);

/* A page of its own, without network. ERROR_SYSTEM: it cannot be written. */
int output_html(const char *path, const struct bench_report *reports, size_t count,
                struct error *err);

#endif
