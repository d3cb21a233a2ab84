/* SPDX-License-Identifier: MIT */
/*
 * The results of a load, as text or as JSON, and its progress while it runs.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_BENCH_H
#define TLSECHO_OUTPUT_BENCH_H

#include "tlsecho/client/bench.h"
#include "tlsecho/client/bench_report.h"

/* On a terminal: one line on standard error that is overwritten, and erased at the end. With -v
 * also a line per second on standard output, as text or as JSON. context: a report. */
void output_bench_progress(void *context, const struct bench_progress *progress);
void output_bench_progress_end(const struct options *options);

/* The results on standard output: as text, of two servers side by side, or as one JSON object.
 * count: 1 or 2 reports. */
void output_bench(const struct bench_report *reports, size_t count, const struct outcome *outcome);

/* The sum of the results of several clients, likewise. */
void output_merge(const struct bench_report *report);

#endif
