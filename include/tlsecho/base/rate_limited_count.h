/* SPDX-License-Identifier: MIT */
/*
 * What may happen a million times a second and is told at most once: the first time at once, all
 * that came since a second later. Pure.
 *
 * Ownership: values, no heap; all 0 at the start.   Threads: one at a time.
 */
#ifndef TLSECHO_RATE_LIMITED_COUNT_H
#define TLSECHO_RATE_LIMITED_COUNT_H

#include <stdint.h>

struct rate_limited_count {
    uint64_t count;   /* not told yet */
    uint64_t next_us; /* nothing is told before */
};

/* It has happened. */
void rate_limited_count_add(struct rate_limited_count *counter);

/* How often it happened since it was told last, if that is a second ago at now_us (clock_now_us;
 * UINT64_MAX = tell now, whatever the time). 0 = there is nothing to tell now. */
uint64_t rate_limited_count_take(struct rate_limited_count *counter, uint64_t now_us);

/* When there will be something to tell, even if it never happens again: UINT64_MAX = never. */
uint64_t rate_limited_count_due_us(const struct rate_limited_count *counter);

#endif
