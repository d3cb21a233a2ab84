/* SPDX-License-Identifier: MIT */
#include "output_html_latency.h"

#include <math.h>

#include "output_html_chart.h"

enum { SIDES = 2, POINTS = 240, BINS = 48 };

static const char *const letters[] = {"a", "b"};
static const char *const sides[] = {"A", "B"}; /* names may be too long for a key */

void output_html_latency_range(struct html_latency *latency)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < latency->count; i++) {
        struct histogram_summary all;
        histogram_summarize(latency->histograms[i], &all);
        double min_ns = (double)(all.min_ns ? all.min_ns : 1);
        if (all.count && (low == 0 || min_ns < low))
            low = min_ns;
        if (all.count && (double)all.max_ns > high)
            high = (double)all.max_ns;
    }
    latency->low_ns = low * 0.9;
    latency->high_ns = high > low ? high * 1.1 : low * 1.1;
}

/* x is the number of nines: 0.3 = 50 %, 1 = 90 %, 2 = 99 %. */
static void label_nines(FILE *out, double nines)
{
    if (nines <= 0.5)
        fputs("50 %", out);
    else
        fprintf(out, "%.*f %%", nines > 2 ? (int)nines - 2 : 0, 100 - 100 * pow(10, -nines));
}

static uint64_t count_of(const struct histogram *h)
{
    struct histogram_summary all;
    histogram_summarize(h, &all);
    return all.count;
}

static void fill_percentiles(const struct histogram *h, double most, double ret[POINTS][2])
{
    for (int i = 0; i < POINTS; i++) {
        ret[i][0] = most * i / (POINTS - 1);
        ret[i][1] = (double)histogram_known_quantile_ns(h, 1 - pow(10, -ret[i][0]));
    }
}

static void draw_percentiles(FILE *out, const struct html_latency *latency)
{
    static const double ticks[] = {0.30103, 1, 2, 3, 4, 5, 6, 7, 8};
    static double points[SIDES][POINTS][2];
    struct html_series series[SIDES];
    char name[64];
    double most = 1;
    for (size_t i = 0; i < latency->count; i++)
        most = fmax(most, log10((double)count_of(latency->histograms[i])));
    for (size_t i = 0; i < latency->count; i++) {
        fill_percentiles(latency->histograms[i], most, points[i]);
        series[i] = (struct html_series){.name = sides[i],
                                         .css_class = letters[i],
                                         .points = (const double(*)[2])points[i],
                                         .count = count_of(latency->histograms[i]) ? POINTS : 0};
    }
    snprintf(name, sizeof name, "percentile of %s", latency->what);
    size_t shown = 0;
    while (shown < sizeof ticks / sizeof *ticks && ticks[shown] <= most)
        shown++;
    struct html_chart chart = {
        .id = "percentiles",
        .title = "Latency by percentile",
        .description = "The latency of each percentile; the table of times has the numbers.",
        .x =
            {.name = name, .high = most, .label = label_nines, .ticks = ticks, .tick_count = shown},
        .y = {.name = "latency",
              .low = latency->low_ns,
              .high = latency->high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
    };
    output_html_chart(out, &chart, series, latency->count);
}

/* The share of samples in each of BINS bins of equal width on a logarithmic axis. */
static double fill_bins(const struct histogram *h, double low_ns, double high_ns,
                        double ret[BINS][2])
{
    struct histogram_bucket bucket = {.count = 0};
    struct histogram_summary all;
    double width = log(high_ns / low_ns) / (double)BINS, highest = 0;
    histogram_summarize(h, &all);
    for (int i = 0; i < BINS; i++) {
        ret[i][0] = low_ns * exp(width * i);
        ret[i][1] = 0;
    }
    while (histogram_next(h, &bucket)) {
        double middle = ((double)bucket.lower_ns + (double)bucket.upper_ns) / 2;
        int i = middle > low_ns ? (int)(log(middle / low_ns) / width) : 0;
        ret[i < BINS ? i : BINS - 1][1] += 100 * (double)bucket.count / (double)all.count;
    }
    for (int i = 0; i < BINS; i++)
        highest = ret[i][1] > highest ? ret[i][1] : highest;
    return highest;
}

static void label_percent(FILE *out, double value)
{
    fprintf(out, "%.3g %%", value);
}

static void draw_histogram(FILE *out, const struct html_latency *latency)
{
    static double bins[SIDES][BINS][2];
    struct html_series series[SIDES];
    double highest = 0;
    for (size_t i = 0; i < latency->count; i++) {
        const struct histogram *h = latency->histograms[i];
        double high = fill_bins(h, latency->low_ns, latency->high_ns, bins[i]);
        highest = high > highest ? high : highest;
        series[i] = (struct html_series){.name = sides[i],
                                         .css_class = letters[i],
                                         .points = (const double(*)[2])bins[i],
                                         .count = count_of(h) ? BINS : 0,
                                         .look = HTML_AREA};
    }
    struct html_chart chart = {
        .id = "histogram",
        .title = "Histogram of latency",
        .description = "The share of samples by latency.",
        .x = {.name = "latency",
              .low = latency->low_ns,
              .high = latency->high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
        .y = {.name = "share", .high = highest * 1.1, .label = label_percent},
    };
    output_html_chart(out, &chart, series, latency->count);
}

void output_html_latency(FILE *out, const struct html_latency *latency)
{
    if (latency->low_ns <= 0)
        return;
    draw_percentiles(out, latency);
    draw_histogram(out, latency);
}
