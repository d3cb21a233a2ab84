/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_refusal.h"

#include <stdio.h>

#include "output_json.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_check.h"

void output_refusal(const struct options *options, const struct outcome *outcome)
{
    if (options->nagios)
        output_check_usage(&outcome->error);
    else if (options->json)
        output_json_print(output_json_refusal(options, outcome), output_json_stream(options));
    else
        fprintf(stderr, "tlsecho-client: %s\n", outcome->error.text);
}
