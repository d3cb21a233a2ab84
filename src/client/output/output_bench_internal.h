/* SPDX-License-Identifier: MIT */
/*
 * What the printers of loads share.
 *
 * Ownership: as in jansson.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_BENCH_INTERNAL_H
#define TLSECHO_OUTPUT_BENCH_INTERNAL_H

#include "tlsecho/client/output_bench.h"

#define OUTPUT_BENCH_ENDLESS_S 1e9 /* longer runs have no end that one could wait for */

struct json_t; /* jansson.h */

struct json_t *output_bench_second_json(const struct bench_second *second);

/* The JSON object of one or two servers. */
void output_bench_json(const struct bench_report *reports, size_t count,
                       const struct outcome *outcome);

/* Two servers in words. */
void output_bench_compare(const struct bench_report reports[2]);

/* The JSON object of what several clients measured together. */
void output_bench_merge_json(const struct bench_report *report);

#endif
