/* SPDX-License-Identifier: MIT */
#include "tlsecho/bench.h"
#include "tlsecho/bench_plan.h"
#include "tlsecho/mode.h"
#include "tlsecho/output.h"
#include "tlsecho/output_bench.h"

/*
 * The first connection is made for itself: a name, an address or a certificate that is wrong is
 * said as everywhere, before thousands of connections say it again. It stays idle, and its address
 * is that of all others.
 */
static void run(struct bench_report *report)
{
    struct session *session = report->session;
    struct outcome *outcome = &report->outcome;
    struct error err = {.alert = -1};
    if (session_open(session, &err) < 0)
        outcome_fail(outcome, session->phase, &err);
    output_session(report->options, session);
    if (outcome->result != RESULT_OK)
        return;
    if (bench_run(report->load, session->target, &session->peer, NULL, &report->measure, outcome,
                  &err) < 0)
        outcome_fail(outcome, PHASE_LOCAL, &err);
}

void mode_bench(const struct options *options, struct outcome *ret)
{
    struct bench_load load;
    struct target target;
    struct session session;
    struct bench_report report = {
        .options = options, .load = &load, .session = &session, .outcome = *ret};
    struct error err = {.alert = -1};
    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    if (bench_plan(options, &load, &err) < 0)
        outcome_fail(&report.outcome, PHASE_OPTIONS, &err);
    else if (bench_measure_init(&report.measure, &err) < 0)
        outcome_fail(&report.outcome, PHASE_LOCAL, &err);
    else
        run(&report);
    *ret = report.outcome;
    if (report.measure.elapsed_s > 0)
        output_bench(&report);
    output_failure(ret);
    bench_measure_done(&report.measure);
    session_close(&session);
    target_done(&target);
}
