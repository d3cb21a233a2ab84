/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tlsecho/mode.h"
#include "tlsecho/output_bench.h"
#include "tlsecho/summary.h"

static int add_load(struct bench_load *sum, const struct bench_load *load, const char *path,
                    struct error *err)
{
    if (!sum->connections) {
        *sum = *load;
        return 0;
    }
    if (load->handshakes != sum->handshakes)
        return error_set(err, ERROR_INPUT,
                         "%s: one measured handshakes and another messages: they do not add up",
                         path);
    if (load->size_bytes != sum->size_bytes)
        return error_set(err, ERROR_INPUT, "%s: its messages are of another size than those before",
                         path);
    sum->connections += load->connections;
    sum->threads += load->threads;
    sum->messages += load->messages;
    sum->rate += load->rate;
    return 0;
}

/* The first that was not ok is the result of all. */
static void judge(struct bench_report *report, enum result result, const char *path)
{
    if (report->outcome.result == RESULT_OK && result != RESULT_OK)
        outcome_measure(&report->outcome, result, "%s: its result is %s", path,
                        result_word(result));
}

static int add_all(struct bench_report *report, const struct options *options, struct error *err)
{
    for (int i = 0; i < options->file_count; i++) {
        struct bench_load load;
        enum result result;
        const char *path = options->files[i];
        if (summary_read(path, &load, &report->measure, &result, err) < 0 ||
            add_load(&report->load, &load, path, err) < 0)
            return -1;
        judge(report, result, path);
    }
    return 0;
}

void mode_merge(const struct options *options, struct outcome *ret)
{
    struct bench_report report = {.options = options, .merged = true, .outcome = *ret};
    struct error err = {.alert = -1};
    snprintf(report.name, sizeof report.name, "%d clients", options->file_count);
    enum phase phase = PHASE_LOCAL;
    bool failed = bench_measure_init(&report.measure, &err) < 0;
    if (!failed) {
        phase = PHASE_OPTIONS;
        failed = add_all(&report, options, &err) < 0;
        report.measure.elapsed_s *= !failed; /* half a sum is none */
    }
    if (!failed && options->report_html) {
        phase = PHASE_LOCAL;
        failed = output_html(options->report_html, &report, 1, &err) < 0;
    }
    if (failed)
        outcome_fail(&report.outcome, phase, &err);
    output_merge(&report, (size_t)options->file_count);
    *ret = report.outcome;
    bench_measure_done(&report.measure);
}
