/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times, as text and as JSON.
 *
 * Ownership: as in jansson.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_LATENCY_H
#define TLSECHO_OUTPUT_LATENCY_H

#include <stdio.h>

#include "tlsecho/base/histogram.h"

struct json_t; /* jansson.h */

/* {count, min, mean, stddev, p50, p90, p99, p99_9, max, histogram: [[upper_seconds, count], ...]},
 * without quantiles that need more samples; nothing if h is empty. */
void output_json_add_latency(struct json_t *object, const char *key, const struct histogram *h);

/* "NAME min/avg/max/stddev = ... ms" and "NAME p50/p90/p99/p99.9 = ... ms", likewise. */
void output_latency_print(FILE *out, const char *name, const struct histogram *h);

#endif
