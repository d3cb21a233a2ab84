/* SPDX-License-Identifier: MIT */
#include "output_html_curves.h"

#include "output_html_chart.h"
#include "output_html_latency.h"

enum { SIDES = 2, POINTS = 240, TIME_LINES = 3 };

static const char *const letters[] = {"a", "b"};
static const char *const sides[] = {"A", "B"}; /* names may be too long for a key */

/* --- over time --- */

/* At most POINTS points, each the sum of several seconds if there are more. */
struct timeline {
    double rate[POINTS][2];
    double times[TIME_LINES][POINTS][2]; /* p50, p99, max; the worst of a sum */
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
        .description = "How many were complete in each second of the run.",
        .x = {.name = "since the start", .high = end_s, .label = output_html_label_seconds},
        .y = {.name = "per second", .high = highest * 1.1, .label = output_html_label_number},
    };
    output_html_chart(out, &chart, series, count);
}

/* Three lines for one server, two each for two. */
static void draw_times(FILE *out, const struct timeline *timelines, size_t count,
                       const struct html_latency *latency, double end_s)
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
        .description = "The percentiles of each second of the run.",
        .x = {.name = "since the start", .high = end_s, .label = output_html_label_seconds},
        .y = {.name = "latency",
              .low = latency->low_ns,
              .high = latency->high_ns,
              .logarithmic = true,
              .label = output_html_label_time},
    };
    output_html_chart(out, &chart, series, lines);
}

void output_html_curves(FILE *out, const struct bench_report *reports, size_t count)
{
    static struct timeline timelines[SIDES];
    struct html_latency latency = {.count = count,
                                   .what = reports[0].load.handshakes ? "handshakes" : "messages"};
    double end_s = 0;
    for (size_t i = 0; i < count; i++) {
        latency.histograms[i] = reports[i].measure.histograms[BENCH_LATENCY];
        make_timeline(&reports[i].measure, &timelines[i]);
        double end = end_of(&reports[i].measure);
        end_s = end > end_s ? end : end_s;
    }
    output_html_latency_range(&latency);
    output_html_latency(out, &latency);
    if (end_s <= 0)
        return;
    draw_rate(out, reports[0].load.handshakes, timelines, count, end_s);
    if (latency.low_ns > 0)
        draw_times(out, timelines, count, &latency, end_s);
}
