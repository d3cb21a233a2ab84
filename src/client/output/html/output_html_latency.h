/* SPDX-License-Identifier: MIT */
/*
 * Charts of latencies.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_LATENCY_H
#define TLSECHO_OUTPUT_HTML_LATENCY_H

#include <stddef.h>
#include <stdio.h>

#include "tlsecho/base/histogram.h"

/* One or two histograms, and what they measure: "messages". */
struct html_latency {
    const struct histogram *histograms[2];
    size_t count;
    const char *what;
    double low_ns, high_ns; /* of an axis with room for all; 0 = no samples */
};

void output_html_latency_range(struct html_latency *latency);

/* By percentile, and the histogram; nothing without samples. */
void output_html_latency(FILE *out, const struct html_latency *latency);

#endif
