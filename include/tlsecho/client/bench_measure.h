/* SPDX-License-Identifier: MIT */
/*
 * What was measured under load. Measures add up: those of threads, of rounds, and of several
 * clients, to what one that had seen everything would have measured.
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

/* The measures of a second of the run, counted by when things came back. */
struct bench_second {
    double start_s, length_s; /* since the start of the load */
    bool omitted;             /* before the measured time */
    uint64_t messages, sent_bytes, received_bytes, errors;
    uint64_t p50_ns, p99_ns, max_ns; /* 0 = so few messages have none */
};

enum bench_histogram {
    BENCH_LATENCY, /* from when a message was due, or else was sent, until all of it was back; with
                      handshakes: from SYN until the connection was up */
    BENCH_SERVICE, /* open loop: from when it was really sent */
    BENCH_CONNECT, /* the TCP part of connections */
    BENCH_HANDSHAKE, /* and their TLS part */
    BENCH_HISTOGRAMS,
};

struct bench_measure {
    struct histogram *histograms[BENCH_HISTOGRAMS];
    uint64_t begun_us;    /* clock_now_us when that began; 0 = unknown, or it did not */
    double elapsed_s;     /* the measured time; in a closed loop until all of it was back */
    uint64_t connections; /* that came up */
    uint64_t resumed;     /* those of them that did so by an earlier session */
    uint64_t messages;    /* or handshakes; that were due within the measured time, and came back */
    uint64_t sent_bytes, received_bytes;
    uint64_t unsent; /* open loop: messages that were due, and whose turn never came */
    uint64_t errors[RESULTS];
    double user_s, system_s; /* CPU that the client itself used within the measured time */
    double busiest;          /* of its threads: the share of a CPU that it used, 0 to 1 */
    struct bench_second *seconds;
    size_t second_count;
};

/* ERROR_SYSTEM (memory). */
int bench_measure_init(struct bench_measure *m, struct error *err);
void bench_measure_done(struct bench_measure *m);

/* Adds what another measured in the same time: all counts, and the longer of both times. Seconds
 * are left alone: nobody can add quantiles. */
void bench_measure_add(struct bench_measure *m, const struct bench_measure *other);

/* Adds what another measured afterwards: likewise, but times add up, and its seconds follow.
 * ERROR_SYSTEM (memory). */
int bench_measure_append(struct bench_measure *m, const struct bench_measure *other,
                         struct error *err);

/* ERROR_SYSTEM (memory). */
int bench_measure_add_second(struct bench_measure *m, const struct bench_second *second,
                             struct error *err);

/* Per second of the measured time; 0 if there was none. */
double bench_measure_rate(const struct bench_measure *m, uint64_t count);

uint64_t bench_measure_errors(const struct bench_measure *m);

/* Whether the client itself had no time left to send more: what it measured is its own limit. */
bool bench_measure_client_limited(const struct bench_measure *m);

#endif
