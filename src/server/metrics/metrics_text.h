/* SPDX-License-Identifier: MIT */
/*
 * Samples in Prometheus' text format, version 0.0.4.
 * Labels are pairs of key and value, NULL after the last.   Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_METRICS_TEXT_H
#define TLSECHO_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "tlsecho/server/metrics_shard.h"

/* Once per metric, before its samples. type: counter, gauge or histogram. */
void metrics_text_family(FILE *out, const char *name, const char *type, const char *help);

/* The value of a label, without its quotes. */
void metrics_text_value(FILE *out, const char *value);

void metrics_text_sample(FILE *out, const char *name, const char *const *labels, uint64_t value);

/* The value in seconds. */
void metrics_text_seconds(FILE *out, const char *name, const char *const *labels, uint64_t us);

/* A histogram as it is exported: cumulative buckets. */
struct metrics_text_histogram {
    const struct metrics_bounds *bounds;
    uint64_t buckets[METRICS_BUCKETS], sum_us;
};

/* Adds the observations of one thread. */
void metrics_text_add(struct metrics_text_histogram *histogram,
                      const struct metrics_histogram *observed);

void metrics_text_histogram(FILE *out, const char *name, const char *const *labels,
                            const struct metrics_text_histogram *histogram);

#endif
