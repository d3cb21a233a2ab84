/* SPDX-License-Identifier: MIT */
#include "output_html_curves.h"

#include <math.h>

#include "output_html_internal.h"

enum { SIDES = 2, POINTS = 240, BINS = 48, TIME_LINES = 3 };

static const char *const letters[] = {"a", "b"};
static const char *const sides[] = {"A", "B"}; /* a name may be too long for a key */

/* The shortest and the longest of all; low is 0 if there is none. */
static void range_of(const struct bench_report *reports, size_t count, double *ret_low,
                     double *ret_high)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        struct histogram_summary all;
        histogram_summarize(reports[i].measure.histograms[BENCH_LATENCY], &all);
        if (all.count && (low == 0 || (double)all.min_ns < low))
            low = (double)(all.min_ns ? all.min_ns : 1);
        if (all.count && (double)all.max_ns > high)
            high = (double)all.max_ns;
    }
    *ret_low = low * 0.9;
    *ret_high = high * 1.1;
}

/* x is how many nines a share has: 0.3 = 50 %, 1 = 90 %, 2 = 99 %. */
static void label_nines(FILE *out, double nines)
{
    if (nines <= 0.5)
        fputs("50 %", out);
    else
        fprintf(out, "%.*f %%", nines > 2 ? (int)nines - 2 : 0, 100 - 100 * pow(10, -nines));
}

static void draw_percentiles(FILE *out, const struct bench_report *reports, size_t count,
                             double low_ns, double high_ns)
{
    static const double ticks[] = {0.30103, 1, 2, 3, 4, 5, 6, 7, 8};
    static double points[SIDES][POINTS][2];
    struct html_series series[SIDES];
    double most = 1;
    for (size_t i = 0; i < count; i++) {
        struct histogram_summary all;
        histogram_summarize(reports[i].measure.histograms[BENCH_LATENCY], &all);
        double nines = all.count ? log10((double)all.count) : 0;
        most = nines > most ? nines : most;
    }
    for (size_t i = 0; i < count; i++) {
        const struct histogram *h = reports[i].measure.histograms[BENCH_LATENCY];
        for (int p = 0; p < POINTS; p++) {
            points[i][p][0] = most * p / (POINTS - 1);
            points[i][p][1] = (double)histogram_known_quantile_ns(h, 1 - pow(10, -points[i][p][0]));
        }
        series[i] = (struct html_series){.name = sides[i],
                                         .css_class = letters[i],
                                         .points = (const double(*)[2])points[i],
                                         .count = POINTS};
    }
    size_t shown = 0;
    while (shown < sizeof ticks / sizeof *ticks && ticks[shown] <= most)
        shown++;
    struct html_chart chart = {
        .id = "percentiles",
        .title = "Latency by percentile",
        .description = "How long the given share of messages took at most; the table of times has "
                       "the numbers.",
        .x = {.name = "share of messages that were as fast",
              .high = most,
              .label = label_nines,
              .ticks = ticks,
              .tick_count = shown},
        .y = {.name = "latency",
              .low = low_ns,
              .high = high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
    };
    output_html_chart(out, &chart, series, count);
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

static void draw_histogram(FILE *out, const struct bench_report *reports, size_t count,
                           double low_ns, double high_ns)
{
    static double bins[SIDES][BINS][2];
    struct html_series series[SIDES];
    double highest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct histogram *h = reports[i].measure.histograms[BENCH_LATENCY];
        double high = fill_bins(h, low_ns, high_ns, bins[i]);
        highest = high > highest ? high : highest;
        series[i] = (struct html_series){.name = sides[i],
                                         .css_class = letters[i],
                                         .points = (const double(*)[2])bins[i],
                                         .count = BINS,
                                         .area = true};
    }
    struct html_chart chart = {
        .id = "histogram",
        .title = "Histogram of latency",
        .description = "Which share of messages took how long.",
        .x = {.name = "latency",
              .low = low_ns,
              .high = high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
        .y = {.name = "share of messages", .high = highest * 1.1, .label = label_percent},
    };
    output_html_chart(out, &chart, series, count);
}

/* --- over time --- */

/* What is drawn of seconds: at most POINTS, each the sum of several if there are more. */
struct timeline {
    double rate[POINTS][2];
    double times[TIME_LINES][POINTS][2]; /* p50, p99, max; of a sum the worst */
    size_t count;
};

static void make_timeline(const struct bench_measure *m, struct timeline *ret)
{
    size_t together = m->second_count / POINTS + 1;
    ret->count = 0;
    for (size_t i = 0; i < m->second_count; i += together) {
        double messages = 0, length_s = 0, worst[TIME_LINES] = {0};
        double start_s = m->seconds[i].start_s;
        for (size_t j = i; j < i + together && j < m->second_count; j++) {
            const struct bench_second *s = &m->seconds[j];
            const uint64_t times[TIME_LINES] = {s->p50_ns, s->p99_ns, s->max_ns};
            messages += (double)s->messages;
            length_s += s->length_s;
            for (int k = 0; k < TIME_LINES; k++)
                worst[k] = (double)times[k] > worst[k] ? (double)times[k] : worst[k];
        }
        size_t at = ret->count++;
        ret->rate[at][0] = start_s + length_s / 2;
        ret->rate[at][1] = length_s > 0 ? messages / length_s : 0;
        for (int k = 0; k < TIME_LINES; k++) {
            ret->times[k][at][0] = ret->rate[at][0];
            ret->times[k][at][1] = worst[k];
        }
    }
}

static double end_of(const struct bench_measure *m)
{
    if (!m->second_count)
        return 0;
    const struct bench_second *last = &m->seconds[m->second_count - 1];
    return last->start_s + last->length_s;
}

static void draw_rate(FILE *out, bool handshakes, const struct timeline *timelines, size_t count,
                      double end_s)
{
    struct html_series series[SIDES];
    double highest = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < timelines[i].count; p++)
            if (timelines[i].rate[p][1] > highest)
                highest = timelines[i].rate[p][1];
        series[i] = (struct html_series){.name = sides[i],
                                         .css_class = letters[i],
                                         .points = timelines[i].rate,
                                         .count = timelines[i].count};
    }
    struct html_chart chart = {
        .id = "rate",
        .title = handshakes ? "Handshakes per second" : "Messages per second",
        .description = "How many came back in each second of the run.",
        .x = {.name = "since the start", .high = end_s, .label = output_html_label_seconds},
        .y = {.name = "per second", .high = highest * 1.1, .label = output_html_label_number},
    };
    output_html_chart(out, &chart, series, count);
}

/* Of one far end three lines; of two, two each. */
static void draw_times(FILE *out, const struct timeline *timelines, size_t count, double low_ns,
                       double high_ns, double end_s)
{
    static const char *const classes[SIDES][TIME_LINES] = {{"a", "a dashed", "a dotted"},
                                                           {"b", "b dashed", "b dotted"}};
    static const char *const names[SIDES + 1][TIME_LINES] = {
        {"A p50", "A p99"}, {"B p50", "B p99"}, {"p50", "p99", "max"}};
    struct html_series series[SIDES * TIME_LINES];
    size_t lines = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < (count == 1 ? 3u : 2u); k++)
            series[lines++] = (struct html_series){.name = names[count == 1 ? SIDES : i][k],
                                                   .css_class = classes[i][k],
                                                   .points = timelines[i].times[k],
                                                   .count = timelines[i].count};
    struct html_chart chart = {
        .id = "times",
        .title = "Latency over time",
        .description = "The percentiles of what came back in each second of the run.",
        .x = {.name = "since the start", .high = end_s, .label = output_html_label_seconds},
        .y = {.name = "latency",
              .low = low_ns,
              .high = high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
    };
    output_html_chart(out, &chart, series, lines);
}

void output_html_curves(FILE *out, const struct bench_report *reports, size_t count)
{
    static struct timeline timelines[SIDES];
    double low_ns, high_ns, end_s = 0;
    range_of(reports, count, &low_ns, &high_ns);
    for (size_t i = 0; i < count; i++) {
        make_timeline(&reports[i].measure, &timelines[i]);
        double end = end_of(&reports[i].measure);
        end_s = end > end_s ? end : end_s;
    }
    if (low_ns > 0) {
        draw_percentiles(out, reports, count, low_ns, high_ns);
        draw_histogram(out, reports, count, low_ns, high_ns);
    }
    if (end_s <= 0)
        return;
    draw_rate(out, reports[0].load.handshakes, timelines, count, end_s);
    if (low_ns > 0)
        draw_times(out, timelines, count, low_ns, high_ns, end_s);
}
