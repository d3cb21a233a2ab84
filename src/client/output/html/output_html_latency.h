/* SPDX-License-Identifier: MIT */
/*
 * The charts of how long things took.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_LATENCY_H
#define TLSECHO_OUTPUT_HTML_LATENCY_H

#include <stddef.h>
#include <stdio.h>

#include "tlsecho/base/histogram.h"

/* One or two histograms of times, and what was measured: "messages". */
struct html_latency {
    const struct histogram *histograms[2];
    size_t count;
    const char *what;
    double low_ns, high_ns; /* of an axis that has room for all; 0 of nothing */
};

void output_html_latency_range(struct html_latency *latency);

/* By percentile, and the histogram; nothing of nothing. */
void output_html_latency(FILE *out, const struct html_latency *latency);

#endif
