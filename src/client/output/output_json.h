/* SPDX-License-Identifier: MIT */
/*
 * The JSON object of a run: the part that every mode has. output_MODE.c adds the fields of a mode.
 * docs/schema/client.schema.json describes all of them.
 *
 * Ownership: as in jansson; output_json_print takes the object.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_JSON_H
#define TLSECHO_OUTPUT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

struct json_t; /* jansson.h */

enum { OUTPUT_JSON_SCHEMA = 1 }; /* its version */

/* schema, mode, result, exit, interrupted, started, transport, address, duration, phases, tls,
 * error. */
struct json_t *output_json_new(const struct options *options, const struct session *session,
                               const struct outcome *outcome);

/* schema, mode, result, exit, started, error: for a run that did not begin. */
struct json_t *output_json_refusal(const struct options *options, const struct outcome *outcome);

/* Prints it as one line, or nothing if memory was missing for a part of it; output_flush and
 * output_json_finish report errors. */
void output_json_print(struct json_t *object, FILE *out);

/* Whether all were printed. ERROR_SYSTEM (memory). */
int output_json_finish(struct error *err);

/* A JSON string of any bytes. */
struct json_t *output_json_text(const char *value);

/* schema, mode, result, exit, interrupted, started (now), error. */
void output_json_add_result(struct json_t *object, const char *mode, const struct outcome *outcome);

/* "" is unknown, and is not added. */
void output_json_add_text(struct json_t *object, const char *key, const char *value);
void output_json_add_count(struct json_t *object, const char *key, uint64_t count);

/* "started": at_us of clock_now_us as wall-clock time. */
void output_json_add_started(struct json_t *object, uint64_t at_us);

/* Microseconds become seconds. */
void output_json_add_seconds(struct json_t *object, const char *key, uint64_t us);

#endif
