/* SPDX-License-Identifier: MIT */
/*
 * What was measured under load. The measures of threads, rounds and clients can be added; the sum
 * is what a single client would have measured.
 *
 * Ownership: a measure owns its histograms and seconds.   Threads: one at a time.
 */
#ifndef TLSECHO_BENCH_MEASURE_H
#define TLSECHO_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/histogram.h"
#include "tlsecho/client/result.h"

/* One second of the run; messages count in the second in which they came back. */
struct bench_second {
    double start_s, length_s; /* since the start of the load */
    bool omitted;             /* before the measured time */
    uint64_t messages, sent_bytes, received_bytes, errors;
    uint64_t p50_ns, p99_ns, max_ns; /* 0 = too few messages */
};

enum bench_histogram {
    BENCH_LATENCY,   /* from the time when a message was due (closed loop: sent) until all of it
                        was back; with handshakes: from SYN until the connection was up */
    BENCH_SERVICE,   /* open loop: from the time when it was sent */
    BENCH_CONNECT,   /* the TCP part of connections */
    BENCH_HANDSHAKE, /* the TLS part */
    BENCH_HISTOGRAMS,
};

struct bench_measure {
    struct histogram *histograms[BENCH_HISTOGRAMS];
    uint64_t begun_us;    /* clock_now_us at the start of the measured time; 0 = unknown, or none */
    double elapsed_s;     /* the measured time; in a closed loop until the last reply */
    double start_late_s;  /* from --start-at until something was sent */
    uint64_t connections; /* that came up */
    uint64_t connections_late; /* with --start-at: that were still being opened then */
    uint64_t resumed;          /* those of them that resumed a session */
    uint64_t messages; /* or handshakes, that were due within the measured time and came back */
    uint64_t sent_bytes, received_bytes;
    uint64_t unsent;                      /* open loop: messages that were due and never sent */
    uint64_t lost, duplicated, reordered; /* over UDP; lost: no reply in time */
    uint64_t kernel_drops; /* over UDP: replies that a socket here had no room for, as far as known:
                              a reply after them tells it; before the measured time too */
    uint64_t errors[RESULTS]; /* of connections; over UDP of lost messages */
    double user_s, system_s;  /* CPU time of the client within the measured time */
    double busiest;           /* the largest share of a CPU that a thread used, 0 to 1 */
    struct bench_second *seconds;
    size_t second_count;
};

/* ERROR_SYSTEM (memory). */
int bench_measure_init(struct bench_measure *m, struct error *err);
void bench_measure_done(struct bench_measure *m);

/* Adds a measure of the same time: all counts, and the longer of all times. Seconds are left
 * alone, because quantiles cannot be added. */
void bench_measure_add(struct bench_measure *m, const struct bench_measure *other);

/* Appends a later measure: likewise, but times are added, and its seconds follow. ERROR_SYSTEM
 * (memory). */
int bench_measure_append(struct bench_measure *m, const struct bench_measure *other,
                         struct error *err);

/* ERROR_SYSTEM (memory). */
int bench_measure_add_second(struct bench_measure *m, const struct bench_second *second,
                             struct error *err);

/* Per second of the measured time; 0 if there was none. */
double bench_measure_rate(const struct bench_measure *m, uint64_t count);

uint64_t bench_measure_errors(const struct bench_measure *m);

/* Whether the client was the bottleneck: a thread had no CPU time left to send more. */
bool bench_measure_client_limited(const struct bench_measure *m);

#endif
