/* SPDX-License-Identifier: MIT */
/*
 * Which of several servers answered, by its hello line (--expect hello).
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_IDENTITY_H
#define TLSECHO_OUTPUT_IDENTITY_H

#include <stdbool.h>

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/report.h"

struct json_t; /* jansson.h */

/* False: no whole line has come, or it does not say. */
bool output_identity(const struct exchange *x, char ret[REPORT_IDENTITY_BYTES]);

/* Adds the field "identity", if it is known. */
void output_identity_add(struct json_t *object, const struct exchange *x);

#endif
