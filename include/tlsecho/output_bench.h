/* SPDX-License-Identifier: MIT */
/*
 * What a load on one far end came to, for those who print it.
 *
 * Ownership: owns its measure; all else is borrowed.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_BENCH_H
#define TLSECHO_OUTPUT_BENCH_H

#include "tlsecho/bench.h"
#include "tlsecho/options.h"
#include "tlsecho/session.h"

struct bench_report {
    const struct options *options;
    const struct bench_load *load;
    struct session *session; /* opened before the load, to look at: whose TLS facts stand for all */
    struct bench_measure measure;
    struct outcome outcome;
};

/* A table in words, on standard output. */
void output_bench(const struct bench_report *report);

#endif
