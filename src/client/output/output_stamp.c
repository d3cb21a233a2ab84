/* SPDX-License-Identifier: MIT */
#include "output_stamp.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "output_json.h"

static double mean_ns(const struct stamp_way *way)
{
    return way->delay.sum_ns / (double)way->jitter.count;
}

static void print_way(const struct options *options, enum stamp_direction direction,
                      const struct stamp_way *way)
{
    printf("%s: %" PRIu64 " lost, %" PRIu64 " duplicated", stamp_direction_name(direction),
           way->lost, way->duplicated);
    if (way->jitter.count > 1)
        printf(", jitter = %.3f ms", way->jitter.ns / 1e6);
    if (options->clocks_agree && way->jitter.count)
        printf(", delay min/avg/max = %.3f/%.3f/%.3f ms", (double)way->delay.min_ns / 1e6,
               mean_ns(way) / 1e6, (double)way->delay.max_ns / 1e6);
    putchar('\n');
}

static void print_unknown(const struct stamp_result *result)
{
    const struct {
        bool applies;
        const char *text;
    } reasons[] = {
        {!result->answered, "no STAMP reply came"},
        {result->stateless, "the reflector keeps no session"},
        {result->counts_another, "the reflector's numbers count more than these probes"},
        {result->lost_last, "after the last reply"},
        {result->lost_restarting, "while the reflector began to count again"},
        {result->reordered, "as requests arrived out of order"},
        {result->on_their_way, "as other probes were still on their way"},
    };
    const char *before = ": ";
    printf("direction unknown: %" PRIu64 " lost", result->lost_somewhere);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (!reasons[i].applies)
            continue;
        printf("%s%s", before, reasons[i].text);
        before = ", ";
    }
    putchar('\n');
}

void output_stamp_print(const struct options *options, const struct stamp_result *result)
{
    uint64_t replies = result->ways[STAMP_REVERSE].lost;
    const char *refusal = stamp_record_refusal(result->record);
    for (int i = 0; i < STAMP_DIRECTIONS; i++)
        print_way(options, (enum stamp_direction)i, &result->ways[i]);
    if (result->lost_somewhere)
        print_unknown(result);
    if (replies > result->reverse_lost_probes)
        printf("note: %" PRIu64 " of the replies lost in reverse %s duplicates\n",
               replies - result->reverse_lost_probes,
               result->forward_duplicated_max > result->ways[STAMP_FORWARD].duplicated
                   ? "may have answered"
                   : "answered");
    if (refusal)
        printf("note: %s\n", refusal);
    if (replies && !result->stateful)
        puts("note: the reflector's numbers are ours throughout; if it is stateless, the direction "
             "of the losses is unknown");
}

static json_t *way_json(const struct options *options, const struct stamp_way *way)
{
    json_t *json = json_object();
    output_json_add_count(json, "lost", way->lost);
    output_json_add_count(json, "duplicated", way->duplicated);
    if (way->jitter.count > 1)
        json_object_set_new(json, "jitter", json_real(way->jitter.ns / 1e9));
    if (options->clocks_agree && way->jitter.count)
        json_object_set_new(json, "delay",
                            json_pack("{s:f,s:f,s:f}", "min", (double)way->delay.min_ns / 1e9,
                                      "mean", mean_ns(way) / 1e9, "max",
                                      (double)way->delay.max_ns / 1e9));
    return json;
}

json_t *output_stamp_json(const struct options *options, const struct stamp_result *result)
{
    json_t *json = json_object();
    for (int i = 0; i < STAMP_DIRECTIONS; i++)
        json_object_set_new(json, stamp_direction_name((enum stamp_direction)i),
                            way_json(options, &result->ways[i]));
    output_json_add_count(json_object_get(json, stamp_direction_name(STAMP_FORWARD)),
                          "duplicated_max", result->forward_duplicated_max);
    output_json_add_count(json_object_get(json, stamp_direction_name(STAMP_REVERSE)), "lost_probes",
                          result->reverse_lost_probes);
    output_json_add_count(json, "lost_somewhere", result->lost_somewhere);
    json_object_set_new(json, "record", json_string(stamp_record_name(result->record)));
    json_object_set_new(json, "stateful", json_boolean(result->stateful));
    return json;
}
