/* SPDX-License-Identifier: MIT */
/*
 * The result of a load on one server, or of several clients whose results were merged.
 *
 * Ownership: a report owns its measure and times; all else is borrowed.   Threads: one.
 */
#ifndef TLSECHO_BENCH_REPORT_H
#define TLSECHO_BENCH_REPORT_H

#include "tlsecho/client/bench_load.h"
#include "tlsecho/client/bench_measure.h"
#include "tlsecho/client/bench_times.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/session.h"

#define BENCH_ENDLESS_S 1e9 /* a longer run has no end to wait for */

enum { BENCH_NAME_BYTES = ENDPOINT_TEXT_BYTES };

struct bench_report {
    const struct options *options;
    char name[BENCH_NAME_BYTES];      /* the endpoint, "tls://localhost:7443", or what was merged */
    struct bench_load load;           /* of all rounds */
    bool merged;                      /* from files: no session, and the loads may differ */
    struct session *session;          /* opened before the load, source of the TLS facts; or NULL */
    bool interrupted;                 /* by a signal, or because the other server failed */
    bool unmeasured;                  /* the other server failed before this one was measured */
    uint64_t clients, clients_failed; /* of what was merged */
    const char *transport;            /* of what was merged; NULL = unknown */
    struct bench_times times;         /* of what was merged */
    bool resumes;     /* --resume was given, here or to one of the clients that were merged */
    double rates_sum; /* of what was merged: sum of the messages per second of each client */
    uint64_t wanted_connections; /* over all rounds, including those that failed */
    struct bench_measure measure;
    struct outcome outcome;
    struct outcome first_loss; /* over UDP: why the first message was lost; ok if none was */
};

/* Whether its messages were datagrams. */
bool bench_report_is_udp(const struct bench_report *report);

#endif
