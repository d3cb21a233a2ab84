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

/*
 * Checks that each field that is read has a type and a value that --json writes, since files are
 * not trusted. Other fields are ignored. ERROR_INPUT names the field; the text contains nothing of
 * the file.
 */
int summary_check_form(const struct json_t *summary, struct error *err);

#endif
