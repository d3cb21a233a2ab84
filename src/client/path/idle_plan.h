/* SPDX-License-Identifier: MIT */
/*
 * Which silences to try, to find out after how long a connection is gone. Times are in
 * microseconds.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_IDLE_PLAN_H
#define TLSECHO_IDLE_PLAN_H

#include <stddef.h>
#include <stdint.h>

enum {
    IDLE_CONNECTIONS_MAX = 24, /* at once */
    IDLE_STEP_PERCENT = 5,     /* as near as the end of the search comes */
};

/*
 * A ladder of count silences, at least 2, ascending to max_us. From two thirds of it on each step
 * is small enough to be the last: there is no time for a second ladder behind one that long. Below,
 * they are geometric.
 */
void idle_plan_ladder(uint64_t max_us, size_t count, uint64_t *ret);

/*
 * Silences between low_us, which a connection survived, and high_us, which one did not, in steps as
 * small as above; at most count and none above limit_us. Returns how many: 0 if both are near
 * enough.
 */
size_t idle_plan_between(uint64_t low_us, uint64_t high_us, uint64_t limit_us, size_t count,
                         uint64_t *ret);

#endif
