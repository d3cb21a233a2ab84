/* SPDX-License-Identifier: MIT */
/*
 * What --path tries and finds, on standard output: each step as it happens and the findings last,
 * or one JSON object.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_PATH_H
#define TLSECHO_OUTPUT_PATH_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/path.h"
#include "tlsecho/client/result.h"

struct output_path_context {
    const struct options *options;
};

/* As struct path_watch wants it; context: a struct output_path_context. On a terminal, what is
 * being tried is on the last line, which is written over. */
void output_path_tell(void *context, const struct path_verdict *verdict, enum path_event event,
                      const char *text);

/* The end of a run. verdict: NULL if there was no memory for one. */
void output_path(const struct options *options, const struct path_verdict *verdict,
                 const struct outcome *outcome);

#endif
