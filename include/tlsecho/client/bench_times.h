/* SPDX-License-Identifier: MIT */
/*
 * When the clients of a sum measured. It has all that a further sum needs, so that the result does
 * not depend on the number of steps in which clients are added.
 *
 * Ownership: times own their spans.   Threads: one at a time.
 */
#ifndef TLSECHO_BENCH_TIMES_H
#define TLSECHO_BENCH_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"

struct bench_span {
    int64_t start_us, end_us; /* since 1970 */
};

/* All zero while no client has been added. */
struct bench_times {
    uint64_t clients;      /* that measured something */
    bool rounded;          /* a start is known to milliseconds only */
    int64_t last_start_us; /* since 1970, as first_end_us: of any of the clients */
    int64_t first_end_us;
    struct bench_span *spans; /* in which at least one of them measured; ascending, disjoint */
    size_t span_count;
};

/* Adds the clients of other. ERROR_SYSTEM (memory). */
int bench_times_add(struct bench_times *t, const struct bench_times *other, struct error *err);
void bench_times_done(struct bench_times *t);

/* Seconds in which at least one of them measured. */
double bench_times_measured_s(const struct bench_times *t);

/* Seconds within which all of them started, rounded up. */
double bench_times_spread_s(const struct bench_times *t);

#endif
