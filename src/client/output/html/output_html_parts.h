/* SPDX-License-Identifier: MIT */
/*
 * The parts that every page has: its frame, cards, tables and the session.
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

/* Text, with what HTML would take for markup escaped. */
void output_html_text(FILE *out, const char *text);

/* The page is written to that file by `write`. ERROR_SYSTEM: it cannot be. */
int output_html_write(const char *path, void (*write)(FILE *out, const void *context),
                      const void *context, struct error *err);

/* What is around the page's contents; its title is NAMEWHAT, "tls://localhost under load". */
void output_html_begin(FILE *out, const char *name, const char *what);
void output_html_end(FILE *out);

/* A mark on what was ended before its time; nothing unless `interrupted`. */
void output_html_interrupted(FILE *out, bool interrupted);

/* A figure that matters, and what it is. */
void output_html_card(FILE *out, const char *value, const char *name);
/* That share of a histogram, 0 to 1; nothing if so few have none. */
void output_html_time_card(FILE *out, const struct histogram *h, double share, const char *name);

/* A row of a table of texts; "" is unknown, and has none. */
void output_html_row(FILE *out, const char *name, const char *value);

/* A table of times, up to its rows. A row of an empty histogram is none. */
void output_html_times_begin(FILE *out, const char *name);
void output_html_times_row(FILE *out, const char *name, const struct histogram *h);

/* How many of each result, and the outcome's message; nothing if there is none and that is ok. */
void output_html_failures(FILE *out, const uint64_t failures[RESULTS],
                          const struct outcome *outcome);

/* The session's address and TLS facts; nothing of none. */
void output_html_session(FILE *out, const char *name, const struct session *session);

#endif
