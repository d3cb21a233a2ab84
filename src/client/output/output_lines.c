/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_lines.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "output_json.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/output.h"

static void measured(const struct session *session, const struct output_lines *lines)
{
    const struct ledger *ledger = lines->ledger;
    fprintf(stderr,
            "tlsecho-client: sent %" PRIu64 " lines of %" PRIu64 " bytes, received %" PRIu64
            " of %" PRIu64 " bytes",
            ledger->sent, lines->bytes_sent, lines->received, lines->bytes_received);
    if (lines->compared)
        fprintf(stderr,
                ", %" PRIu64 " late, %" PRIu64 " lost, %" PRIu64 " duplicated, %" PRIu64
                " out of order",
                ledger->late, ledger->lost, ledger->duplicated, ledger->reordered);
    fprintf(stderr, " in %.3f s\n", (double)(clock_now_us() - session->started_us) / 1e6);
}

static json_t *lines_json(const struct output_lines *lines)
{
    const struct ledger *ledger = lines->ledger;
    json_t *json = json_object();
    output_json_add_count(json, "sent", ledger->sent);
    output_json_add_count(json, "received", lines->received);
    if (lines->compared) {
        output_json_add_count(json, "late", ledger->late);
        output_json_add_count(json, "lost", ledger->lost);
        output_json_add_count(json, "on_their_way", ledger->on_way);
        output_json_add_count(json, "duplicated", ledger->duplicated);
        output_json_add_count(json, "reordered", ledger->reordered);
    }
    return json;
}

void output_lines(const struct options *options, const struct session *session,
                  const struct output_lines *lines, const struct outcome *outcome)
{
    if (options->verbosity == OPTIONS_VERBOSE)
        measured(session, lines);
    if (!options->json) {
        output_failure(outcome);
        return;
    }
    json_t *json = output_json_new(options, session, outcome);
    output_json_add_count(json, "bytes_sent", lines->bytes_sent);
    output_json_add_count(json, "bytes_received", lines->bytes_received);
    json_object_set_new(json, "lines", lines_json(lines));
    output_json_print(json, output_json_stream(options));
}
