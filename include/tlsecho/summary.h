/* SPDX-License-Identifier: MIT */
/*
 * The summary of a load, as --bench --json leaves it in a file, read again.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_SUMMARY_H
#define TLSECHO_SUMMARY_H

#include "tlsecho/bench.h"

/*
 * Reads the last line of the file at path; earlier ones may be what -v said each second. Adds what
 * it measured to *measure, as measured at the same time, and sets *load; seconds are left out.
 * *result gets the summary's own. ERROR_INPUT: the file cannot be read, or is no such summary.
 */
int summary_read(const char *path, struct bench_load *load, struct bench_measure *measure,
                 enum result *result, struct error *err);

#endif
