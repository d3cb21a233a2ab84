/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_path.h"
#include "tlsecho/client/path.h"

void mode_path(const struct options *options, struct outcome *ret)
{
    struct output_path_context context = {.options = options};
    struct path_watch watch = {.tell = output_path_tell, .context = &context};
    struct error err = {.alert = -1};
    struct path_verdict *verdict = path_run(options, &watch, ret);
    if (verdict && options->report_html && ret->result != RESULT_USAGE &&
        output_html_path(options->report_html, verdict, ret, &err) < 0 && ret->result == RESULT_OK)
        outcome_fail(ret, PHASE_LOCAL, &err);
    output_path(options, verdict, ret);
    path_verdict_free(verdict);
}
