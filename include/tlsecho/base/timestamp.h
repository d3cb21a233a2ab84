/* SPDX-License-Identifier: MIT */
/*
 * Points in time as text, RFC 3339.   Threads: any.
 */
#ifndef TLSECHO_TIMESTAMP_H
#define TLSECHO_TIMESTAMP_H

#include <stdint.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/error.h"

/*
 * Microseconds since 1970 of a whole text such as "2026-01-02T03:04:05.678Z" or
 * "2026-01-02 04:04:05+01:00", RFC 3339 §5.6; digits after the sixth of a fraction are dropped.
 * ERROR_INPUT: the text is something else, or a leap second, which the wall clock does not have;
 * the error says at which character, counted from 1.
 */
int timestamp_parse(const char *text, int64_t *ret_us, struct error *err);

/* In UTC with six digits after the point, "2026-01-02T03:04:05.678000Z"; of 1970 to 9999. */
void timestamp_text(int64_t us, char ret[CLOCK_TEXT_BYTES]);

#endif
