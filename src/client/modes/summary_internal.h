/* SPDX-License-Identifier: MIT */
/*
 * Between the files that read summaries.
 *
 * Ownership: nothing is kept.   Threads: any.
 */
#ifndef TLSECHO_SUMMARY_INTERNAL_H
#define TLSECHO_SUMMARY_INTERNAL_H

#include "tlsecho/base/error.h"

struct json_t; /* jansson.h */

/* As many as may be added up without an overflow of what summary_check_form lets pass. */
enum { SUMMARIES_MAX = 1000 };

/*
 * Whether each field that is read has the type, and a value, that --json writes: a file may have
 * come from anywhere. What is not read may be anything. ERROR_INPUT names the field; its text has
 * nothing that the file chose.
 */
int summary_check_form(const struct json_t *summary, struct error *err);

#endif
