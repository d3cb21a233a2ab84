/* SPDX-License-Identifier: MIT */
/*
 * Dates in UTC, Gregorian in every year, without time_t: where that has 32 bits, it ends in January
 * 2038, and certificates do not.   Threads: any.
 */
#ifndef TLSECHO_CALENDAR_H
#define TLSECHO_CALENDAR_H

#include <stdint.h>
#include <time.h>

/* Seconds since 1970, as timegm(3), of the fields tm_year to tm_sec, each within its range. */
int64_t calendar_seconds(const struct tm *utc);

/* The date of seconds since 1970, of the years 0 to 9999; fills tm_year to tm_sec. Returns -1 for
 * another year. */
int calendar_date(int64_t seconds, struct tm *ret);

#endif
