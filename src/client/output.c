/* SPDX-License-Identifier: MIT */
#include "tlsecho/output.h"

#include <stdio.h>

#include "output_internal.h"

#define NAME "tlsecho-client: "

void output_warn(const struct options *options, const char *text)
{
    if (options->verbosity > OPTIONS_QUIET)
        fprintf(stderr, NAME "warning: %s\n", text);
}

void output_failure(const struct outcome *outcome)
{
    if (outcome->result != RESULT_OK)
        fprintf(stderr, NAME "%s: %s\n", phase_name(outcome->phase), outcome->error.text);
}

void output_show_certs(const struct options *options, const struct session *session,
                       const struct outcome *outcome)
{
    if (options->json)
        output_json_print(output_json_new(options, session, outcome), stderr);
    else
        output_failure(outcome);
}
