/* SPDX-License-Identifier: MIT */
/*
 * A chart as inline SVG.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_HTML_CHART_H
#define TLSECHO_OUTPUT_HTML_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* An axis from low to high; logarithmic: by powers of ten. `label` writes a tick. */
struct html_axis {
    const char *name;
    double low, high;
    bool logarithmic;
    void (*label)(FILE *out, double value);
    const double *ticks; /* NULL = automatic */
    size_t tick_count;
};

struct html_chart {
    const char *id; /* of the element, unique on the page */
    const char *title;
    const char *description; /* for screen readers */
    struct html_axis x, y;
};

enum html_look {
    HTML_LINE,
    HTML_AREA,  /* steps from point to point, filled down to the axis */
    HTML_BARS,  /* a bar for each pair of points */
    HTML_DOTS,  /* one for each point */
    HTML_RULES, /* over the whole height; y is ignored */
};

/* Points are x, y; those outside the axes are drawn at their ends. */
struct html_series {
    const char *name;
    const char *css_class; /* "a", "b", "a dashed", ..., "bad" or "faint" */
    const double (*points)[2];
    size_t count;
    enum html_look look;
};

void output_html_chart(FILE *out, const struct html_chart *chart, const struct html_series *series,
                       size_t count);

/* Labels of ticks: "10 us", "1.5 k", "12 s". Values are nanoseconds, numbers, seconds. */
void output_html_label_time(FILE *out, double ns);
void output_html_label_number(FILE *out, double value);
void output_html_label_seconds(FILE *out, double seconds);

#endif
