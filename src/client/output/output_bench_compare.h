/* SPDX-License-Identifier: MIT */
/* Two servers side by side, as text.   Ownership: nothing is kept.   Threads: one. */
#ifndef TLSECHO_OUTPUT_BENCH_COMPARE_H
#define TLSECHO_OUTPUT_BENCH_COMPARE_H

#include "tlsecho/client/bench_report.h"

void output_bench_compare(const struct bench_report reports[2]);

#endif
