/* SPDX-License-Identifier: MIT */
/*
 * The check of a summary before it is read.
 *
 * Ownership: nothing is kept.   Threads: any.
 */
#ifndef TLSECHO_SUMMARY_INTERNAL_H
#define TLSECHO_SUMMARY_INTERNAL_H

#include "tlsecho/base/error.h"

struct json_t; /* jansson.h */
struct histogram;

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
