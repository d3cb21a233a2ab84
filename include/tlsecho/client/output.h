/* SPDX-License-Identifier: MIT */
/*
 * Messages of the client on standard error, and where its other output goes.
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

/* "tlsecho-client: ...", of interest while the run continues, unless quiet. */
void output_notice(const struct options *options, const char *text);

/* "tlsecho-client: PHASE: ...", unless the outcome is ok. */
void output_failure(const struct outcome *outcome);
/* Likewise without the phase, which the message has, or which was another process's. */
void output_failure_elsewhere(const struct outcome *outcome);

enum { OUTPUT_PHASE_BYTES = 32 };

/* "PHASE: ", or "" if the message begins with the phase. after_word: the result's word is printed
 * before it, so that a phase of the same name is left out. */
const char *output_phase_prefix(const struct outcome *outcome, bool after_word,
                                char ret[OUTPUT_PHASE_BYTES]);

/* Where the JSON object is printed: standard error if standard output has the data. */
FILE *output_json_stream(const struct options *options);

/* Writes all buffered output of the run, its JSON object included. ERROR_SYSTEM. */
int output_finish(const struct options *options, struct error *err);

/* Writes what was printed on standard output. After a failure every later call fails too:
 * ERROR_SYSTEM. */
int output_flush(struct error *err);

#endif
