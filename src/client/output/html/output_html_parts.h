/* SPDX-License-Identifier: MIT */
/*
 * The parts of a page: frame, cards, tables, session.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_PARTS_H
#define TLSECHO_OUTPUT_HTML_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/histogram.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* Text, escaped for HTML. */
void output_html_text(FILE *out, const char *text);

/* Calls `write` to write the page to that file. ERROR_SYSTEM. */
int output_html_write(const char *path, void (*write)(FILE *out, const void *context),
                      const void *context, struct error *err);

/* Start and end of the page; its title is NAMEWHAT, "tls://localhost under load". */
void output_html_begin(FILE *out, const char *name, const char *what);
void output_html_end(FILE *out);

/* A note on a run that was interrupted; nothing unless it was. */
void output_html_interrupted(FILE *out, bool interrupted);

/* A large figure and its name. */
void output_html_card(FILE *out, const char *value, const char *name);
/* A quantile of a histogram, share 0 to 1; nothing if there are too few samples. */
void output_html_time_card(FILE *out, const struct histogram *h, double share, const char *name);

/* A row of a table of texts; none if the value is "". */
void output_html_row(FILE *out, const char *name, const char *value);

/* The head of a table of times, and a row; none for an empty histogram. */
void output_html_times_begin(FILE *out, const char *name);
void output_html_times_row(FILE *out, const char *name, const struct histogram *h);

/* The number of failures by result, and the outcome's message; nothing if there is neither. */
void output_html_failures(FILE *out, const uint64_t failures[RESULTS],
                          const struct outcome *outcome);

/* The session's address and TLS parameters; nothing if it is not open. */
void output_html_session(FILE *out, const char *name, const struct session *session);

#endif
