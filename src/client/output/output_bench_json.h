/* SPDX-License-Identifier: MIT */
/*
 * The results of a load as JSON.
 *
 * Ownership: as in jansson.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_BENCH_JSON_H
#define TLSECHO_OUTPUT_BENCH_JSON_H

#include "tlsecho/client/bench_report.h"

struct json_t; /* jansson.h */

struct json_t *output_bench_json_second(const struct bench_second *second);

/* Prints the object of one or two servers. */
void output_bench_json(const struct bench_report *reports, size_t count,
                       const struct outcome *outcome);

/* Prints the object of several clients whose results were merged. */
void output_bench_json_merged(const struct bench_report *report);

#endif
