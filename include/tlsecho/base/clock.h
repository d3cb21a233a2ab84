/* SPDX-License-Identifier: MIT */
/*
 * Time.   Threads: any.
 */
#ifndef TLSECHO_CLOCK_H
#define TLSECHO_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { CLOCK_TEXT_BYTES = 32 };

/* Microseconds since an arbitrary start; never goes backwards: CLOCK_MONOTONIC, clock_gettime(2).
 */
uint64_t clock_now_us(void);

/* The same clock in nanoseconds, to measure what takes only microseconds. */
uint64_t clock_now_ns(void);

/* The wall clock, CLOCK_REALTIME in microseconds since 1970, at a moment of clock_now_us. */
int64_t clock_wall_us(uint64_t at_us);

/* Milliseconds from now until due_us, rounded up, for poll(2): -1 for UINT64_MAX (never), 0 if
 * past. */
int clock_poll_ms(uint64_t now_us, uint64_t due_us);

/* Wall-clock time in UTC as RFC 3339 with milliseconds, "2026-01-02T03:04:05.678Z". */
void clock_text(const struct timespec *at, char ret[CLOCK_TEXT_BYTES]);

/* The same without milliseconds, from seconds since 1970. */
void clock_seconds_text(int64_t seconds, char ret[CLOCK_TEXT_BYTES]);

/* Wall-clock microseconds since 1970 in the format of clock_text. */
void clock_wall_text(int64_t wall_us, char ret[CLOCK_TEXT_BYTES]);

#endif
