/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_report.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/report_read.h"

static void expect_direct(const struct options *options, const struct report_verdict *verdict,
                          struct outcome *ret)
{
    if (options->expect_direct && !report_is_direct(verdict->path))
        outcome_measure(ret, RESULT_UNTRUSTED, "%s (--expect-direct)",
                        report_path_text(verdict->path));
}

void mode_report(const struct options *options, struct outcome *ret)
{
    struct target target;
    struct session session;
    struct report report = {0};
    struct report_verdict verdict;
    struct error err = {.alert = -1};
    struct report_reading *r = calloc(1, sizeof *r);

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool opened = r && session_open(&session, &err) == 0;
    output_session(options, &session);
    bool reported = false;
    if (!r) {
        error_sys(&err, "memory for a report");
        outcome_fail(ret, PHASE_LOCAL, &err);
    } else if (!opened) {
        outcome_fail_to_open(ret, session.phase, &err, options);
    } else if ((reported =
                    report_read(r, &session, options->idle_timeout_ms * 1000, &report, ret))) {
        report_judge(&report, &verdict);
        expect_direct(options, &verdict, ret);
    }
    session_keep(&session, ret);
    struct output_report received = {.report = NULL};
    if (reported)
        received = (struct output_report){&report, &verdict, r->text, r->n};
    output_report(options, &session, &received, ret);
    free(r);
    session_close(&session);
    target_done(&target);
}
