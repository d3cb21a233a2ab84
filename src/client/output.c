/* SPDX-License-Identifier: MIT */
#include "tlsecho/output.h"

#include <inttypes.h>
#include <stdio.h>

#include "tlsecho/clock.h"

#define NAME "tlsecho-client: "

void output_warn(const struct options *options, const char *text)
{
    if (options->verbosity > OPTIONS_QUIET)
        fprintf(stderr, NAME "warning: %s\n", text);
}

static void failure(const struct outcome *outcome)
{
    fprintf(stderr, NAME "%s: %s\n", phase_name(outcome->phase), outcome->error.text);
}

static void measured(const struct session *session, const struct exchange *exchange)
{
    fprintf(stderr, NAME "sent %" PRIu64 " bytes, received %" PRIu64 " bytes in %.3f s",
            exchange->sent_bytes, exchange->received_bytes,
            (double)(clock_now_us() - session->started_us) / 1e6);
    for (int i = 0; i < PHASES; i++) {
        if (session->phase_us[i] != SESSION_UNKNOWN_US)
            fprintf(stderr, ", %s %.3f ms", phase_name((enum phase)i),
                    (double)session->phase_us[i] / 1e3);
    }
    if (exchange->first_echo_us && exchange->first_sent_us)
        fprintf(stderr, ", first echo %.3f ms",
                (double)(exchange->first_echo_us - exchange->first_sent_us) / 1e3);
    fputc('\n', stderr);
}

void output_result(const struct options *options, const struct session *session,
                   const struct exchange *exchange, const struct outcome *outcome)
{
    if (options->verbosity == OPTIONS_VERBOSE)
        measured(session, exchange);
    if (options->json)
        output_json(options, session, exchange, outcome);
    else if (outcome->result != RESULT_OK)
        failure(outcome);
}
