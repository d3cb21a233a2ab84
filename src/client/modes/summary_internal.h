/* SPDX-License-Identifier: MIT */
/*
 * The parser of a summary, and its check before it is read.
 *
 * Ownership: nothing is kept.   Threads: any.
 */
#ifndef TLSECHO_SUMMARY_INTERNAL_H
#define TLSECHO_SUMMARY_INTERNAL_H

#include <stdio.h>

#include "tlsecho/base/error.h"

#define NOT_A_SUMMARY "not a summary: give what --bench --json prints on standard output, alone"

struct json_t; /* jansson.h */
struct histogram;

/* The next object in a file, or NULL: ERROR_INPUT says what it is instead. The caller frees it. */
struct json_t *summary_load(FILE *file, struct error *err);

/*
 * Checks that each field that is read has a type and a value that --json writes, since files are
 * not trusted. Other fields are ignored. ERROR_INPUT names the field; the text contains nothing of
 * the file.
 */
int summary_check_form(const struct json_t *summary, struct error *err);

/* After that: refuses counts and rates that contradict each other. ERROR_INPUT names the field. */
int summary_check_agreement(const struct json_t *summary, struct error *err);

/* Refuses a mean and quantiles that are not those of the histogram, which json has beside them.
 * ERROR_INPUT names the field, in the object `name`. */
int summary_check_statistics(struct json_t *json, const char *name, const struct histogram *h,
                             struct error *err);

#endif
