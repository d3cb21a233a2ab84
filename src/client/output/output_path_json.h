/* SPDX-License-Identifier: MIT */
/*
 * A verdict about a path as one JSON object.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_PATH_JSON_H
#define TLSECHO_OUTPUT_PATH_JSON_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/path.h"
#include "tlsecho/client/result.h"

/* verdict: NULL if there was no memory for one. */
void output_path_json(const struct options *options, const struct path_verdict *verdict,
                      const struct outcome *outcome);

#endif
