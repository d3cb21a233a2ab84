/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "summary.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_bench.h"
#include "tlsecho/client/output_html.h"

/* Share of the measured time by which the starts may differ without a warning. */
#define LARGEST_SPREAD 0.01

/* "b.json", or "b.json, object 2". */
static void name_of(const struct summary *s, char *ret, size_t size)
{
    if (s->number == 1)
        snprintf(ret, size, "%.300s", s->path);
    else
        snprintf(ret, size, "%.300s, object %zu", s->path, s->number);
}

/* The first summary that has the term; at least one has it. */
static const struct summary *first_with(const struct summaries *all, enum summary_term term)
{
    const struct summary *s = all->items;
    while (!*s->terms[term])
        s++;
    return s;
}

/* Refuses a summary of another kind of run. */
static int check_terms(const struct summaries *all, const struct summary *s, struct error *err)
{
    for (int i = 0; i < SUMMARY_TERMS; i++) {
        char name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
        if (!*s->terms[i])
            continue;
        const struct summary *first = first_with(all, (enum summary_term)i);
        if (strcmp(first->terms[i], s->terms[i]) == 0)
            continue;
        name_of(s, name, sizeof name);
        name_of(first, other, sizeof other);
        return error_set(
            err, ERROR_INPUT, "%.320s: %s is %s, but %s in %.320s: merge only runs of one kind",
            name, summary_term_name((enum summary_term)i), s->terms[i], first->terms[i], other);
    }
    return 0;
}

/* Refuses a run that is given twice. */
static int check_twins(const struct summaries *all, const struct summary *s, struct error *err)
{
    char name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
    for (const struct summary *earlier = all->items; earlier < s; earlier++) {
        if (!summary_is_same(earlier, s))
            continue;
        name_of(s, name, sizeof name);
        name_of(earlier, other, sizeof other);
        return error_set(err, ERROR_INPUT, "%.320s: the same run as %.320s: give each run once",
                         name, other);
    }
    return 0;
}

/* What differs is unknown in the sum. */
static void add_load(struct bench_load *sum, const struct bench_load *load)
{
    if (!load->connections)
        return;
    if (!sum->connections) {
        *sum = *load;
        return;
    }
    sum->connections += load->connections;
    sum->threads += load->threads;
    sum->messages = sum->messages && load->messages ? sum->messages + load->messages : 0;
    sum->rate += load->rate;
    sum->measured_ns = sum->measured_ns == load->measured_ns ? sum->measured_ns : 0;
    sum->omit_ns = sum->omit_ns == load->omit_ns ? sum->omit_ns : 0;
    sum->start_at_us = sum->start_at_us == load->start_at_us ? sum->start_at_us : 0;
    sum->ramp_ns = sum->ramp_ns == load->ramp_ns ? sum->ramp_ns : 0;
}

/* The first result that is not ok is that of the sum. */
static void judge(struct bench_report *report, const struct summary *s)
{
    char name[ERROR_TEXT_BYTES];
    if (report->outcome.result != RESULT_OK || s->result == RESULT_OK)
        return;
    name_of(s, name, sizeof name);
    outcome_measure(&report->outcome, s->result, "%s: the result is %s", name,
                    result_word(s->result));
    report->outcome.phase = s->phase;
}

/* --- times --- */

struct span {
    const struct summary *summary;
    int64_t start_us, end_us;
};

static int earlier(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return (left->start_us > right->start_us) - (left->start_us < right->start_us);
}

/* Older summaries have no start: they count as started with the first. */
static size_t take_spans(const struct summaries *all, struct span *ret)
{
    size_t count = 0;
    int64_t first_us = 0;
    for (size_t i = 0; i < all->count; i++) {
        int64_t us = all->items[i].started_us;
        if (us && all->items[i].measure.elapsed_s > 0 && (!first_us || us < first_us))
            first_us = us;
    }
    for (size_t i = 0; i < all->count; i++) {
        const struct summary *s = &all->items[i];
        int64_t start_us = s->started_us ? s->started_us : first_us;
        if (s->measure.elapsed_s > 0)
            ret[count++] =
                (struct span){s, start_us, start_us + (int64_t)(s->measure.elapsed_s * 1e6 + 0.5)};
    }
    qsort(ret, count, sizeof *ret, earlier);
    return count;
}

/* The time in which at least one client measured. */
static double union_s(const struct span *spans, size_t count)
{
    int64_t sum_us = 0, covered_us = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        int64_t from_us = spans[i].start_us > covered_us ? spans[i].start_us : covered_us;
        if (spans[i].end_us <= covered_us)
            continue;
        sum_us += spans[i].end_us - from_us;
        covered_us = spans[i].end_us;
    }
    return (double)sum_us / 1e6;
}

/* Rates of runs that did not overlap cannot be added. False: there are none. */
static bool warn_of_gaps(const struct options *options, const struct span *spans, size_t count)
{
    const struct span *last = &spans[count - 1], *over = spans;
    char text[2 * ERROR_TEXT_BYTES], name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
    for (size_t i = 1; i < count; i++)
        if (spans[i].end_us < over->end_us)
            over = &spans[i];
    if (last->start_us < over->end_us)
        return false;
    name_of(last->summary, name, sizeof name);
    name_of(over->summary, other, sizeof other);
    snprintf(text, sizeof text,
             "the runs did not overlap: %.320s began %.3f s after %.320s had ended", name,
             (double)(last->start_us - over->end_us) / 1e6, other);
    output_warn(options, text);
    return true;
}

/* Part of the time was measured by some of the clients only. */
static void warn_of_starts(const struct bench_report *report)
{
    char text[ERROR_TEXT_BYTES];
    if (!report->starts_known ||
        report->start_spread_s <= LARGEST_SPREAD * report->measure.elapsed_s)
        return;
    snprintf(text, sizeof text,
             "the clients started within %.3f s of each other, and measured %.3f s in all: give "
             "them the same --start-at",
             report->start_spread_s, report->measure.elapsed_s);
    output_warn(report->options, text);
}

/* The spread is what the starts can differ by at most, as they may be rounded. */
static void take_starts(struct bench_report *report, const struct span *spans, size_t count)
{
    int64_t last_us = 0, rounded_us = 0;
    report->starts_known = count > 1 || spans[0].summary->clients > 1;
    for (size_t i = 0; i < count; i++) {
        const struct summary *s = spans[i].summary;
        int64_t us = s->started_us + s->start_spread_us;
        last_us = us > last_us ? us : last_us;
        rounded_us = s->start_is_rounded ? 1000 : rounded_us;
        report->starts_known = report->starts_known && s->started_us && s->start_spread_us >= 0;
    }
    report->started_us = spans[0].start_us;
    report->start_spread_s = (double)(last_us - spans[0].start_us + rounded_us) / 1e6;
}

static int add_times(struct bench_report *report, const struct summaries *all, struct error *err)
{
    struct span *spans = calloc(all->count + 1, sizeof *spans);
    if (!spans)
        return error_sys(err, "memory for the times");
    size_t count = take_spans(all, spans);
    report->measure.elapsed_s = union_s(spans, count);
    if (count) {
        take_starts(report, spans, count);
        if (!warn_of_gaps(report->options, spans, count))
            warn_of_starts(report);
    }
    free(spans);
    return 0;
}

static int add_all(struct bench_report *report, const struct summaries *all, struct error *err)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct summary *s = &all->items[i];
        if (check_terms(all, s, err) < 0 || check_twins(all, s, err) < 0)
            return -1;
        add_load(&report->load, &s->load);
        bench_measure_add(&report->measure, &s->measure);
        report->rates_sum += bench_measure_rate(&s->measure, s->measure.messages);
        report->clients += s->clients;
        report->clients_failed += s->failed;
        report->wanted_connections += s->load.connections;
        report->interrupted |= s->interrupted;
        if (*s->terms[SUMMARY_TRANSPORT])
            report->transport = s->terms[SUMMARY_TRANSPORT];
        judge(report, s);
    }
    return add_times(report, all, err);
}

static int read_all(const struct options *options, struct summaries *all, struct error *err)
{
    for (int i = 0; i < options->file_count; i++)
        if (summaries_read(options->files[i], all, err) < 0)
            return -1;
    return 0;
}

/* A part of the sum is not printed. */
static void fail(struct bench_report *report, enum phase phase, const struct error *err)
{
    report->clients = 0;
    report->transport = NULL;
    report->interrupted = false;
    report->measure.elapsed_s = 0;
    outcome_fail(&report->outcome, phase, err);
}

void mode_merge(const struct options *options, struct outcome *ret)
{
    struct bench_report report = {.options = options, .merged = true, .outcome = *ret};
    struct summaries all = {0};
    struct error err = {.alert = -1};
    if (bench_measure_init(&report.measure, &err) < 0)
        fail(&report, PHASE_LOCAL, &err);
    else if (read_all(options, &all, &err) < 0 || add_all(&report, &all, &err) < 0)
        fail(&report, PHASE_OPTIONS, &err);
    snprintf(report.name, sizeof report.name, "%" PRIu64 " clients", report.clients);
    if (options->report_html && report.clients &&
        output_html_bench(options->report_html, &report, 1, &err) < 0)
        outcome_fail(&report.outcome, PHASE_LOCAL, &err);
    output_merge(&report);
    *ret = report.outcome;
    summaries_free(&all);
    bench_measure_done(&report.measure);
}
