/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/bench_times.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDED_US = 1000 };

static int earlier(const void *a, const void *b)
{
    const struct bench_span *left = a, *right = b;
    return (left->start_us > right->start_us) - (left->start_us < right->start_us);
}

/* Sorts the spans, and makes one of those that overlap or touch. */
static void unite(struct bench_times *t)
{
    size_t count = 0;
    qsort(t->spans, t->span_count, sizeof *t->spans, earlier);
    for (size_t i = 0; i < t->span_count; i++) {
        struct bench_span span = t->spans[i], *last = count ? &t->spans[count - 1] : NULL;
        if (!last || span.start_us > last->end_us)
            t->spans[count++] = span;
        else if (span.end_us > last->end_us)
            last->end_us = span.end_us;
    }
    t->span_count = count;
}

int bench_times_add(struct bench_times *t, const struct bench_times *other, struct error *err)
{
    size_t count = t->span_count + other->span_count;
    if (!other->span_count)
        return 0;
    struct bench_span *spans = realloc(t->spans, count * sizeof *spans);
    if (!spans)
        return error_sys(err, "memory for the times");
    memcpy(spans + t->span_count, other->spans, other->span_count * sizeof *spans);
    if (!t->clients || other->last_start_us > t->last_start_us)
        t->last_start_us = other->last_start_us;
    if (!t->clients || other->first_end_us < t->first_end_us)
        t->first_end_us = other->first_end_us;
    t->clients += other->clients;
    t->rounded |= other->rounded;
    t->spans = spans;
    t->span_count = count;
    unite(t);
    return 0;
}

void bench_times_done(struct bench_times *t)
{
    free(t->spans);
    *t = (struct bench_times){.clients = 0};
}

double bench_times_measured_s(const struct bench_times *t)
{
    int64_t sum_us = 0;
    for (size_t i = 0; i < t->span_count; i++)
        sum_us += t->spans[i].end_us - t->spans[i].start_us;
    return (double)sum_us / 1e6;
}

double bench_times_spread_s(const struct bench_times *t)
{
    if (!t->span_count)
        return 0;
    return (double)(t->last_start_us - t->spans[0].start_us + (t->rounded ? ROUNDED_US : 0)) / 1e6;
}
