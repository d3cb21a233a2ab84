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

/* Of a summary that has been added. */
struct added {
    const char *path;
    size_t number;
    uint64_t digest;
};

struct merge {
    struct bench_report report;
    struct added added[SUMMARIES_MAX];
    size_t count;
    char terms[SUMMARY_TERMS][SUMMARY_TERM_BYTES]; /* "" = unknown so far */
    struct added termed[SUMMARY_TERMS];            /* the first with each term */
    struct added last_started, first_ended;
};

/* "b.json", or "b.json, object 2". */
static void name_of(const struct added *a, char ret[ERROR_TEXT_BYTES])
{
    if (a->number == 1)
        snprintf(ret, ERROR_TEXT_BYTES, "%.300s", a->path);
    else
        snprintf(ret, ERROR_TEXT_BYTES, "%.300s, object %zu", a->path, a->number);
}

/* Refuses a summary of another kind of run. */
static int check_terms(struct merge *m, const struct summary *s, const struct added *as,
                       struct error *err)
{
    for (int i = 0; i < SUMMARY_TERMS; i++) {
        char name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
        if (!*m->terms[i]) {
            memcpy(m->terms[i], s->terms[i], SUMMARY_TERM_BYTES);
            m->termed[i] = *as;
        }
        if (!*s->terms[i] || strcmp(m->terms[i], s->terms[i]) == 0)
            continue;
        name_of(as, name);
        name_of(&m->termed[i], other);
        return error_set(err, ERROR_INPUT,
                         "%.320s: %s is %s, but %s in %.320s: merge only runs of one kind", name,
                         summary_term_name((enum summary_term)i), s->terms[i], m->terms[i], other);
    }
    return 0;
}

/* Refuses a run that is given twice. */
static int check_twins(const struct merge *m, const struct added *as, struct error *err)
{
    char name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
    for (size_t i = 0; i < m->count; i++) {
        if (m->added[i].digest != as->digest)
            continue;
        name_of(as, name);
        name_of(&m->added[i], other);
        return error_set(err, ERROR_INPUT, "%.320s: the same run as %.320s: give each run once",
                         name, other);
    }
    return 0;
}

/* What differs is unknown in the sum. */
static int add_load(struct bench_load *sum, const struct bench_load *load, struct error *err)
{
    if (!load->connections)
        return 0;
    if (!sum->connections) {
        *sum = *load;
        return 0;
    }
    if (load->connections > UINT32_MAX - sum->connections ||
        load->threads > UINT32_MAX - sum->threads)
        return error_set(err, ERROR_INPUT, "more than %" PRIu32 " connections or threads in all",
                         UINT32_MAX);
    sum->connections += load->connections;
    sum->threads += load->threads;
    sum->messages = sum->messages && load->messages ? sum->messages + load->messages : 0;
    sum->rate += load->rate;
    sum->measured_ns = sum->measured_ns == load->measured_ns ? sum->measured_ns : 0;
    sum->omit_ns = sum->omit_ns == load->omit_ns ? sum->omit_ns : 0;
    sum->start_at_us = sum->start_at_us == load->start_at_us ? sum->start_at_us : 0;
    sum->ramp_ns = sum->ramp_ns == load->ramp_ns ? sum->ramp_ns : 0;
    return 0;
}

/* The first result that is not ok is that of the sum. */
static void judge(struct bench_report *report, const struct summary *s, const struct added *as)
{
    char name[ERROR_TEXT_BYTES];
    if (report->outcome.result != RESULT_OK || s->result == RESULT_OK)
        return;
    name_of(as, name);
    outcome_measure(&report->outcome, s->result, "%s: the result is %s", name,
                    result_word(s->result));
    report->outcome.phase = s->phase;
}

/* --- times --- */

static int add_times(struct merge *m, const struct summary *s, const struct added *as,
                     struct error *err)
{
    struct bench_times *sum = &m->report.times;
    bool is_first = !sum->clients;
    if (!s->times.clients)
        return 0;
    if (is_first || s->times.last_start_us > sum->last_start_us)
        m->last_started = *as;
    if (is_first || s->times.first_end_us < sum->first_end_us)
        m->first_ended = *as;
    return bench_times_add(sum, &s->times, err);
}

/* Rates of runs that did not overlap cannot be added. False: there are none. */
static bool warn_of_gaps(const struct merge *m)
{
    const struct bench_times *times = &m->report.times;
    double gap_s = (double)(times->last_start_us - times->first_end_us) / 1e6;
    char text[2 * ERROR_TEXT_BYTES], name[ERROR_TEXT_BYTES], other[ERROR_TEXT_BYTES];
    if (times->last_start_us < times->first_end_us)
        return false;
    name_of(&m->last_started, name);
    name_of(&m->first_ended, other);
    if (strcmp(name, other) == 0)
        snprintf(text, sizeof text,
                 "the runs in %.320s did not overlap: one began %.3f s after another had ended",
                 name, gap_s);
    else
        snprintf(text, sizeof text,
                 "the runs did not overlap: %.320s began %.3f s after %.320s had ended", name,
                 gap_s, other);
    output_warn(m->report.options, text);
    return true;
}

/* Part of the time was measured by some of the clients only. */
static void warn_of_starts(const struct bench_report *report)
{
    char text[ERROR_TEXT_BYTES];
    double spread_s = bench_times_spread_s(&report->times);
    if (report->times.clients < 2 || spread_s <= LARGEST_SPREAD * report->measure.elapsed_s)
        return;
    snprintf(text, sizeof text,
             "the clients started within %.3f s of each other, and measured %.3f s in all: give "
             "them the same --start-at",
             spread_s, report->measure.elapsed_s);
    output_warn(report->options, text);
}

/* --- the sum --- */

static void add_counts(struct bench_report *report, const struct summary *s)
{
    bench_measure_add(&report->measure, &s->measure);
    report->rates_sum += s->rates_sum;
    report->clients += s->clients;
    report->clients_failed += s->failed;
    report->wanted_connections += s->load.connections;
    report->interrupted |= s->interrupted;
    report->resumes |= s->resumes;
}

static int add(void *arg, const struct summary *s, struct error *err)
{
    struct merge *m = arg;
    struct added as = {.path = s->path, .number = s->number, .digest = s->digest};
    if (m->count == SUMMARIES_MAX)
        return error_set(err, ERROR_INPUT, "%s: more than %d summaries: merge some of them first",
                         s->path, SUMMARIES_MAX);
    if (check_terms(m, s, &as, err) < 0 || check_twins(m, &as, err) < 0)
        return -1;
    if (add_load(&m->report.load, &s->load, err) < 0)
        return error_prefix(err, "%s", s->path);
    if (add_times(m, s, &as, err) < 0)
        return -1;
    add_counts(&m->report, s);
    judge(&m->report, s, &as);
    m->added[m->count++] = as;
    return 0;
}

static int add_all(struct merge *m, struct error *err)
{
    const struct options *options = m->report.options;
    const struct summary_adder adder = {add, m};
    for (int i = 0; i < options->file_count; i++)
        if (summaries_read(options->files[i], &adder, err) < 0)
            return -1;
    if (*m->terms[SUMMARY_TRANSPORT])
        m->report.transport = m->terms[SUMMARY_TRANSPORT];
    m->report.measure.elapsed_s = bench_times_measured_s(&m->report.times);
    if (m->report.times.clients && !warn_of_gaps(m))
        warn_of_starts(&m->report);
    return 0;
}

/* A part of the sum is not printed. */
static void fail(struct bench_report *report, enum phase phase, const struct error *err)
{
    report->clients = 0;
    report->transport = NULL;
    report->interrupted = false;
    report->measure.elapsed_s = 0;
    report->outcome = (struct outcome){.error = {.alert = -1}};
    outcome_fail(&report->outcome, phase, err);
}

void mode_merge(const struct options *options, struct outcome *ret)
{
    struct merge m = {.report = {.options = options, .merged = true, .outcome = *ret}};
    struct bench_report *report = &m.report;
    struct error err = {.alert = -1};
    if (bench_measure_init(&report->measure, &err) < 0)
        fail(report, PHASE_LOCAL, &err);
    else if (add_all(&m, &err) < 0)
        fail(report, PHASE_OPTIONS, &err);
    snprintf(report->name, sizeof report->name, "%" PRIu64 " clients", report->clients);
    if (options->report_html && report->clients &&
        output_html_bench(options->report_html, report, 1, &err) < 0)
        outcome_fail(&report->outcome, PHASE_LOCAL, &err);
    output_merge(report);
    *ret = report->outcome;
    bench_times_done(&report->times);
    bench_measure_done(&report->measure);
}
