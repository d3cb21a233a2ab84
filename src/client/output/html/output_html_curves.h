/* SPDX-License-Identifier: MIT */
/* The charts of a load.   Ownership: nothing is kept.   Threads: one. */
#ifndef TLSECHO_OUTPUT_HTML_CURVES_H
#define TLSECHO_OUTPUT_HTML_CURVES_H

#include <stdio.h>

#include "tlsecho/client/bench_report.h"

/* Latency by percentile, its histogram, and throughput and latency over time; a chart without
 * samples is left out. count: 1 or 2 reports. */
void output_html_curves(FILE *out, const struct bench_report *reports, size_t count);

#endif
