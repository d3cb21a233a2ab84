/* SPDX-License-Identifier: MIT */
/*
 * Tells whether jansson ran out of memory. It does not say so itself: a text then is no JSON, and
 * an object lacks what could not be added.
 *
 * Ownership: none.   Threads: the main thread, which alone uses jansson.
 */
#ifndef TLSECHO_JSON_MEMORY_H
#define TLSECHO_JSON_MEMORY_H

#include <stdbool.h>

#include "tlsecho/base/error.h"

/* Once, before jansson is used. */
void json_memory_watch(void);

/* Whether it has since the last call. */
bool json_memory_ran_out(void);

/* result: 0 or -1, of what was done since the last call. If memory ran out meanwhile, that is the
 * error (ERROR_SYSTEM, ENOMEM), whatever else err says, and even if it seems to have succeeded. */
int json_memory_check(int result, struct error *err);

#endif
