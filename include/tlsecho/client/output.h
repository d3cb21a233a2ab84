/* SPDX-License-Identifier: MIT */
/*
 * What the client says about a run: in words on standard error, or as one JSON object.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_H
#define TLSECHO_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/* "tlsecho-client: warning: ...", unless quiet. */
void output_warn(const struct options *options, const char *text);

/* "tlsecho-client: ...", a message for a user at a terminal, unless quiet. */
void output_notice(const struct options *options, const char *text);

/* "tlsecho-client: PHASE: ...", unless the outcome is ok. */
void output_failure(const struct outcome *outcome);
/* Likewise without the phase: it was another process's. */
void output_failure_elsewhere(const struct outcome *outcome);

enum { OUTPUT_PHASE_BYTES = 32 };

/* "PHASE: ", or "" where the message begins with it or, after_word, the result's word before it is
 * the same. */
const char *output_phase_prefix(const struct outcome *outcome, bool after_word,
                                char ret[OUTPUT_PHASE_BYTES]);

/* Where the JSON object goes: standard error where standard output has the data. */
FILE *output_json_stream(const struct options *options);

/* All output of the run is written, its JSON object included. ERROR_SYSTEM. */
int output_finish(const struct options *options, struct error *err);

/* What was printed on standard output so far is there. ERROR_SYSTEM, now and from then on. */
int output_flush(struct error *err);

#endif
