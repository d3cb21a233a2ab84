/* SPDX-License-Identifier: MIT */
/*
 * The views of both ends side by side, and the verdict: on standard output, as text or JSON.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_REPORT_H
#define TLSECHO_OUTPUT_REPORT_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/report.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

struct output_report {
    const struct report *report; /* NULL = none received, and nothing else is set */
    const struct report_verdict *verdict;
    const char *text; /* the report as received, of text_bytes */
    size_t text_bytes;
};

void output_report(const struct options *options, const struct session *session,
                   const struct output_report *received, const struct outcome *outcome);

#endif
