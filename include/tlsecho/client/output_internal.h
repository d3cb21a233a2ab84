/* SPDX-License-Identifier: MIT */
/*
 * The JSON object of a run: a common part, which every mode has, and a part per mode, which its own
 * output_MODE.c adds. docs/schema/client.schema.json describes all of it.
 *
 * Ownership: as in jansson; output_json_print takes the object.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_INTERNAL_H
#define TLSECHO_OUTPUT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tlsecho/base/histogram.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

struct json_t; /* jansson.h */

enum { OUTPUT_JSON_SCHEMA = 1 }; /* its version */

/* schema, mode, result, exit, interrupted, started, transport, address, duration, phases, tls,
 * error. */
struct json_t *output_json_new(const struct options *options, const struct session *session,
                               const struct outcome *outcome);

/* schema, mode, result, exit, started, error: of a run that never began. */
struct json_t *output_json_refusal(const struct options *options, const struct outcome *outcome);

/* One line. A full disk is not noticed here. */
void output_json_print(struct json_t *object, FILE *out);

/* A JSON string, whatever bytes it holds. */
struct json_t *output_json_text(const char *value);

/* schema, mode, result, exit, interrupted, started (now), error. */
void output_json_add_result(struct json_t *object, const char *mode, const struct outcome *outcome);

/* "" is unknown, and what is unknown is absent. */
void output_json_add_text(struct json_t *object, const char *key, const char *value);
void output_json_add_count(struct json_t *object, const char *key, uint64_t count);

/* "started": when clock_now_us was that. */
void output_json_add_started(struct json_t *object, uint64_t at_us);

/* Microseconds become seconds. */
void output_json_add_seconds(struct json_t *object, const char *key, uint64_t us);

/* {count, min, mean, stddev, p50, p90, p99, p99_9, max, histogram: [[upper_seconds, count], ...]},
 * without the quantiles that so few cannot have; nothing of nothing. */
void output_json_add_latency(struct json_t *object, const char *key, const struct histogram *h);

/* "NAME min/avg/max/stddev = ... ms" and "NAME p50/p90/p99/p99.9 = ... ms"; likewise. */
void output_latency_print(FILE *out, const char *name, const struct histogram *h);

enum { OUTPUT_UNIT_BYTES = 32 };

/* "71.2 us", "1.21 GiB": three digits. Return ret. */
const char *output_time_text(double ns, char ret[OUTPUT_UNIT_BYTES]);
const char *output_bytes_text(double bytes, char ret[OUTPUT_UNIT_BYTES]);
const char *output_bits_text(double bits, char ret[OUTPUT_UNIT_BYTES]); /* "12.3 kbit" */
const char *output_count_text(double count, char ret[OUTPUT_UNIT_BYTES]);

/* "PHASE: ", or "" where the message begins with it or, after_word, the result's word before it is
 * the same. */
const char *output_phase_prefix(const struct outcome *outcome, bool after_word,
                                char ret[OUTPUT_UNIT_BYTES]);

#endif
