/* SPDX-License-Identifier: MIT */
/*
 * The result of a run as an HTML page: one file that needs no network.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_H
#define TLSECHO_OUTPUT_HTML_H

#include "tlsecho/client/bench_report.h"
#include "tlsecho/client/output_ping.h"
#include "tlsecho/client/path.h"

/* Whether a page can be written there, as far as it can be told before there is one; what is there
 * stays as it is. ERROR_SYSTEM. */
int output_html_check(const char *path, struct error *err);

/* A load. count: 1 or 2 reports. ERROR_SYSTEM: the file cannot be written. */
int output_html_bench(const char *path, const struct bench_report *reports, size_t count,
                      struct error *err);

/* A ping: the same values as in its JSON object. ERROR_SYSTEM: the file cannot be written. */
int output_html_ping(const char *path, const struct session *session,
                     const struct ping_totals *totals, const struct outcome *outcome,
                     struct error *err);

/* What was found on the way: likewise. */
int output_html_path(const char *path, const struct path_verdict *verdict,
                     const struct outcome *outcome, struct error *err);

#endif
