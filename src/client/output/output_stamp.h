/* SPDX-License-Identifier: MIT */
/*
 * What STAMP tells of each direction, in words and as JSON.
 *
 * Ownership: as in jansson.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_STAMP_H
#define TLSECHO_OUTPUT_STAMP_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/stamp_flow.h"

struct json_t; /* jansson.h */

/* A line for each direction, and what else is to be known of these figures. */
void output_stamp_print(const struct options *options, const struct stamp_result *result);

/* {forward: {lost, duplicated, duplicated_max, jitter, delay: {min, mean, max}}, reverse: {lost,
 * lost_probes, duplicated, ...}, lost_somewhere, record, stateful}. */
struct json_t *output_stamp_json(const struct options *options, const struct stamp_result *result);

#endif
