/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_stream.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "output_identity.h"
#include "output_json.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/output.h"

static void measured(const struct session *session, const struct exchange *exchange)
{
    char identity[REPORT_IDENTITY_BYTES];
    if (output_identity(exchange, identity))
        fprintf(stderr, "tlsecho-client: answered by %s\n", identity);
    fprintf(stderr, "tlsecho-client: sent %" PRIu64 " bytes, received %" PRIu64 " bytes in %.3f s",
            exchange->sent_bytes, exchange->received_bytes,
            (double)(clock_now_us() - session->started_us) / 1e6);
    for (int i = 0; i < PHASES; i++) {
        if (session->phase_us[i] != SESSION_UNKNOWN_US)
            fprintf(stderr, ", %s%s %.3f ms", i == PHASE_ECHO ? "first " : "",
                    phase_name((enum phase)i), (double)session->phase_us[i] / 1e3);
    }
    fputc('\n', stderr);
}

static void print_json(const struct options *options, const struct session *session,
                       const struct exchange *exchange, const struct outcome *outcome)
{
    json_t *json = output_json_new(options, session, outcome);
    output_json_add_count(json, "bytes_sent", exchange->sent_bytes);
    output_json_add_count(json, "bytes_received", exchange->received_bytes);
    output_identity_add(json, exchange);
    if (options->tls && (exchange->state == EXCHANGE_ENDED || exchange->state == EXCHANGE_CUT))
        json_object_set_new(json, "close_notify", json_boolean(exchange->state == EXCHANGE_ENDED));
    output_json_print(json, output_json_stream(options));
}

void output_stream(const struct options *options, const struct session *session,
                   const struct exchange *exchange, const struct outcome *outcome)
{
    if (options->verbosity == OPTIONS_VERBOSE)
        measured(session, exchange);
    if (options->json)
        print_json(options, session, exchange, outcome);
    else
        output_failure(outcome);
}
