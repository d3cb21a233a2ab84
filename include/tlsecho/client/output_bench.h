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

/* On a terminal: one line on standard error that is written over and over; it is erased at the end.
 * With -v a line per second on standard output, in words or as JSON. context: a report. */
void output_bench_progress(void *context, const struct bench_progress *progress);
void output_bench_progress_end(const struct options *options);

/* The end of a run, on standard output: one server in words, or two side by side; or one JSON
 * object. count: 1 or 2 reports. */
void output_bench(const struct bench_report *reports, size_t count, const struct outcome *outcome);

/* The sum of what several clients measured: likewise. */
void output_merge(const struct bench_report *report);

#endif
