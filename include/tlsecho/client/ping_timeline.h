/* SPDX-License-Identifier: MIT */
/*
 * The results of the probes of a ping, by the time at which they were sent, and when connections
 * came up. Each probe has a point of its own as long as they fit; then the resolution is halved,
 * and points within it are joined, so that a ping of any length has a bounded number of points.
 *
 * Ownership: a value, no heap.   Threads: one at a time.
 */
#ifndef TLSECHO_PING_TIMELINE_H
#define TLSECHO_PING_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PING_POINTS_MAX = 480 };

struct ping_point {
    uint64_t start_us; /* of its first probe, since the start of the run */
    uint64_t replies;  /* complete, in time or late */
    uint64_t late, lost;
    uint64_t connections;            /* that came up */
    uint64_t min_us, max_us, sum_us; /* of the replies' times; 0 without */
};

struct ping_timeline {
    uint64_t resolution_us;
    size_t count;
    struct ping_point points[PING_POINTS_MAX];
};

/* Of the replies' times; 0 without. */
double ping_point_mean_us(const struct ping_point *point);

void ping_timeline_init(struct ping_timeline *t);

/* at_us: since the start of the run; an earlier time than that of the last point counts there. */
void ping_timeline_add_reply(struct ping_timeline *t, uint64_t at_us, uint64_t time_us, bool late);
void ping_timeline_add_loss(struct ping_timeline *t, uint64_t at_us);
void ping_timeline_add_connection(struct ping_timeline *t, uint64_t at_us);

#endif
