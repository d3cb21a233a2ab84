/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/ping_timeline.h"

double ping_point_mean_us(const struct ping_point *point)
{
    return point->replies ? (double)point->sum_us / (double)point->replies : 0;
}

void ping_timeline_init(struct ping_timeline *t)
{
    t->resolution_us = 1;
    t->count = 0;
}

static bool is_in(const struct ping_timeline *t, const struct ping_point *point, uint64_t at_us)
{
    return at_us / t->resolution_us <= point->start_us / t->resolution_us;
}

static void join(struct ping_point *point, const struct ping_point *next)
{
    if (next->replies && (!point->replies || next->min_us < point->min_us))
        point->min_us = next->min_us;
    if (next->max_us > point->max_us)
        point->max_us = next->max_us;
    point->sum_us += next->sum_us;
    point->replies += next->replies;
    point->late += next->late;
    point->lost += next->lost;
    point->connections += next->connections;
}

static void halve_resolution(struct ping_timeline *t)
{
    size_t last = 0;
    t->resolution_us *= 2;
    for (size_t i = 1; i < t->count; i++) {
        if (is_in(t, &t->points[last], t->points[i].start_us))
            join(&t->points[last], &t->points[i]);
        else
            t->points[++last] = t->points[i];
    }
    t->count = last + 1;
}

static void add(struct ping_timeline *t, const struct ping_point *point)
{
    if (t->count == PING_POINTS_MAX && !is_in(t, &t->points[t->count - 1], point->start_us))
        while (t->count > PING_POINTS_MAX / 2)
            halve_resolution(t);
    if (t->count && is_in(t, &t->points[t->count - 1], point->start_us))
        join(&t->points[t->count - 1], point);
    else
        t->points[t->count++] = *point;
}

void ping_timeline_add_reply(struct ping_timeline *t, uint64_t at_us, uint64_t time_us, bool late)
{
    add(t, &(struct ping_point){.start_us = at_us,
                                .replies = 1,
                                .late = late,
                                .min_us = time_us,
                                .max_us = time_us,
                                .sum_us = time_us});
}

void ping_timeline_add_loss(struct ping_timeline *t, uint64_t at_us)
{
    add(t, &(struct ping_point){.start_us = at_us, .lost = 1});
}

void ping_timeline_add_connection(struct ping_timeline *t, uint64_t at_us)
{
    add(t, &(struct ping_point){.start_us = at_us, .connections = 1});
}
