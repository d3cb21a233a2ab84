/* SPDX-License-Identifier: MIT */
#include "output_path_json.h"

#include <jansson.h>

#include "output_json.h"

static json_t *server_json(const struct path_server *server)
{
    char text[ENDPOINT_TEXT_BYTES + ADDRESS_TEXT_BYTES];
    json_t *json = json_object();
    endpoint_text(server->endpoint, text);
    output_json_add_text(json, "endpoint", text);
    if (*server->error)
        output_json_add_text(json, "error", server->error);
    if (!server->address.length)
        return json;
    address_text(&server->address, text);
    output_json_add_text(json, "address", text);
    output_json_add_seconds(json, "round_trip", server->rtt_us);
    return json;
}

static json_t *step_json(const struct path_step *step)
{
    json_t *json = json_object();
    output_json_add_text(json, "what", step->what);
    output_json_add_text(json, "happened", step->happened);
    json_object_set_new(json, "passed", json_boolean(step->passed));
    json_object_set_new(json, "blamed", json_boolean(step->blamed));
    if (step->bytes)
        output_json_add_count(json, "bytes", step->bytes);
    if (step->packet_bytes)
        output_json_add_count(json, "packet_bytes", step->packet_bytes);
    if (step->silence_us)
        output_json_add_seconds(json, "silence", step->silence_us);
    output_json_add_count(json, "tries", step->tries);
    output_json_add_count(json, "failed", step->failed);
    return json;
}

static json_t *stage_json(const struct path_stage_result *stage)
{
    json_t *json = json_object(), *tried = json_array(), *notes = json_array();
    output_json_add_text(json, "stage", stage->name);
    output_json_add_text(json, "state", path_state_word(stage->state));
    output_json_add_text(json, "reason", stage->reason);
    for (size_t i = 0; i < stage->step_count; i++)
        json_array_append_new(tried, step_json(&stage->steps[i]));
    for (size_t i = 0; i < stage->note_count; i++)
        json_array_append_new(notes, output_json_text(stage->notes[i]));
    json_object_set_new(json, "tried", tried);
    json_object_set_new(json, "notes", notes);
    return json;
}

static json_t *finding_json(const struct path_finding *finding)
{
    char endpoint[ENDPOINT_TEXT_BYTES];
    json_t *json = json_object();
    endpoint_text(finding->server->endpoint, endpoint);
    output_json_add_text(json, "stage", finding->kind->stage);
    output_json_add_text(json, "finding", finding->kind->name);
    output_json_add_text(json, "endpoint", endpoint);
    output_json_add_text(json, "evidence", finding->evidence);
    output_json_add_text(json, "remedy", finding->remedy);
    if (!finding->packet_bytes)
        return json;
    output_json_add_count(json, "packet_bytes", finding->packet_bytes);
    output_json_add_text(json, "way", finding->way == PATH_TO_SERVER ? "to-server" : "from-server");
    return json;
}

static void add_verdict(json_t *json, const struct path_verdict *verdict)
{
    json_t *servers = json_array(), *stages = json_array(), *findings = json_array();
    for (size_t i = 0; i < verdict->server_count; i++)
        json_array_append_new(servers, server_json(&verdict->servers[i]));
    for (size_t i = 0; i < verdict->stage_count; i++)
        json_array_append_new(stages, stage_json(&verdict->stages[i]));
    for (size_t i = 0; i < verdict->finding_count; i++)
        json_array_append_new(findings, finding_json(&verdict->findings[i]));
    output_json_add_started(json, verdict->started_us);
    output_json_add_seconds(json, "duration", verdict->ended_us - verdict->started_us);
    json_object_set_new(json, "servers", servers);
    json_object_set_new(json, "stages", stages);
    json_object_set_new(json, "findings", findings);
}

void output_path_json(const struct options *options, const struct path_verdict *verdict,
                      const struct outcome *outcome)
{
    json_t *json = output_json_refusal(options, outcome);
    if (verdict)
        add_verdict(json, verdict);
    output_json_print(json, stdout);
}
