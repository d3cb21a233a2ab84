/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/output_path.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "output_path_json.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_units.h"

#define ERASE "\r\033[K" /* ECMA-48: back to the line's start, and erase to its end */

static bool shows_progress(const struct options *options)
{
    return options->verbosity > OPTIONS_QUIET && isatty(STDERR_FILENO);
}

static void print_servers(const struct path_verdict *verdict)
{
    for (size_t i = 0; i < verdict->server_count; i++) {
        const struct path_server *server = &verdict->servers[i];
        char endpoint[ENDPOINT_TEXT_BYTES], address[ADDRESS_TEXT_BYTES], rtt[OUTPUT_UNIT_BYTES];
        endpoint_text(server->endpoint, endpoint);
        if (*server->error) {
            printf("path to %s not examined: %s\n", endpoint, server->error);
            continue;
        }
        address_text(&server->address, address);
        printf("path to %s (%s), round trip %s\n", endpoint, address,
               output_time_text((double)server->rtt_us * 1e3, rtt));
    }
}

static void print_event(const struct path_verdict *verdict, enum path_event event)
{
    const struct path_stage_result *stage =
        verdict->stage_count ? &verdict->stages[verdict->stage_count - 1] : NULL;
    assert(stage || event == PATH_EVENT_SERVERS || event == PATH_EVENT_PROGRESS);
    switch (event) {
    case PATH_EVENT_SERVERS:
        print_servers(verdict);
        break;
    case PATH_EVENT_STAGE:
        printf("\n%s\n", stage->name);
        break;
    case PATH_EVENT_STEP: {
        const struct path_step *step = &stage->steps[stage->steps_told - 1];
        printf("  %-4s %s: %s\n", path_step_word(step), step->what, step->happened);
        break;
    }
    case PATH_EVENT_NOTE:
        printf("  note %s\n", stage->notes[stage->notes_told - 1]);
        break;
    case PATH_EVENT_END:
        if (stage->state == PATH_SKIPPED)
            printf("  skipped: %s\n", stage->reason);
        else if (stage->state == PATH_STOPPED)
            printf("  stopped: %s\n", stage->reason);
        break;
    case PATH_EVENT_PROGRESS:
        break;
    }
}

void output_path_tell(void *context, const struct path_verdict *verdict, enum path_event event,
                      const char *text)
{
    const struct options *options = ((const struct output_path_context *)context)->options;
    struct error ignored; /* the end of the run says it */
    if (shows_progress(options))
        fputs(ERASE, stderr);
    if (!options->json && options->verbosity > OPTIONS_QUIET) {
        print_event(verdict, event);
        output_flush(&ignored);
    }
    if (event == PATH_EVENT_PROGRESS && shows_progress(options))
        fprintf(stderr, "%s: %s ...", verdict->stages[verdict->stage_count - 1].name, text);
}

static void print_findings(const struct path_verdict *verdict, bool first)
{
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct path_finding *finding = &verdict->findings[i];
        char endpoint[ENDPOINT_TEXT_BYTES];
        endpoint_text(finding->server->endpoint, endpoint);
        printf("%sfinding: %s: %s\n  endpoint: %s\n  evidence: %s\n  remedy: %s\n",
               first ? "" : "\n", finding->kind->name, finding->kind->meaning, endpoint,
               finding->evidence, finding->remedy);
        first = false;
    }
}

/* When quiet, nothing but findings. */
void output_path(const struct options *options, const struct path_verdict *verdict,
                 const struct outcome *outcome)
{
    if (options->json) {
        output_path_json(options, verdict, outcome);
        return;
    }
    bool impaired = outcome->result == RESULT_IMPAIRED;
    if (impaired)
        print_findings(verdict, options->verbosity == OPTIONS_QUIET);
    else if (outcome->result == RESULT_OK && options->verbosity > OPTIONS_QUIET)
        printf("\nno finding\n");
    output_failure(outcome);
}
