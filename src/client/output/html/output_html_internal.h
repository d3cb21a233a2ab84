/* SPDX-License-Identifier: MIT */
/*
 * What the files that write a page share: its style, its parts, its charts.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_INTERNAL_H
#define TLSECHO_OUTPUT_HTML_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/histogram.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

extern const char output_html_style[]; /* the page's CSS */

/* Text, with what HTML would take for markup escaped. */
void output_html_text(FILE *out, const char *text);

/* --- output_html_parts.c --- */

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

/* --- output_html_chart.c --- */

/* An axis from low to high; logarithmic: by powers of ten. A tick is written by `label`. */
struct html_axis {
    const char *name;
    double low, high;
    bool logarithmic;
    void (*label)(FILE *out, double value);
    const double *ticks; /* NULL: chosen by themselves */
    size_t tick_count;
};

struct html_chart {
    const char *id; /* of the element, unique on the page */
    const char *title;
    const char *description; /* for who does not see it */
    struct html_axis x, y;
};

enum html_look {
    HTML_LINE,
    HTML_AREA,  /* filled down to the axis, as steps from point to point */
    HTML_BARS,  /* each two points are the ends of one; a dot if they are the same */
    HTML_RULES, /* over the whole height, whatever y is */
};

/* A point is x, y; what is not within an axis is drawn at its end. */
struct html_series {
    const char *name;
    const char *css_class; /* "a", "b": whose it is; "a dashed", ...; "bad", "faint" */
    const double (*points)[2];
    size_t count;
    enum html_look look;
};

void output_html_chart(FILE *out, const struct html_chart *chart, const struct html_series *series,
                       size_t count);

/* --- output_html_latency.c --- */

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

/* Labels of ticks: "10 us", "1.5 k", "12 s". Values are nanoseconds, numbers, seconds. */
void output_html_label_time(FILE *out, double ns);
void output_html_label_number(FILE *out, double value);
void output_html_label_seconds(FILE *out, double seconds);

#endif
