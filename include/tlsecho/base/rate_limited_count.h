/* SPDX-License-Identifier: MIT */
/*
 * Counts events that may occur a million times a second and reports them at most once a second: the
 * first at once, the others together a second later. Pure.
 *
 * Ownership: values, no heap; all 0 at the start.   Threads: one at a time.
 */
#ifndef TLSECHO_RATE_LIMITED_COUNT_H
#define TLSECHO_RATE_LIMITED_COUNT_H

#include <stdint.h>

struct rate_limited_count {
    uint64_t count;   /* not reported yet */
    uint64_t next_us; /* no report before */
};

/* Counts an event. */
void rate_limited_count_add(struct rate_limited_count *counter);

/* The events since the last report, if that is at least a second before now_us (clock_now_us;
 * UINT64_MAX = report at once). 0 = nothing to report now. */
uint64_t rate_limited_count_take(struct rate_limited_count *counter, uint64_t now_us);

/* When the next report is due, without further events; UINT64_MAX = never. */
uint64_t rate_limited_count_due_us(const struct rate_limited_count *counter);

#endif
