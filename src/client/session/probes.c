/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/probes.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SIZE = 16 };

int probes_init(struct probes *p, uint64_t timeout_us, struct error *err)
{
    *p = (struct probes){.timeout_us = timeout_us,
                         .ring = malloc(FIRST_SIZE * sizeof *p->ring),
                         .size = FIRST_SIZE,
                         .round_trips = histogram_new(),
                         .first_replies = histogram_new()};
    if (p->ring && p->round_trips && p->first_replies)
        return 0;
    probes_done(p);
    return error_sys(err, "memory for probes");
}

void probes_done(struct probes *p)
{
    free(p->ring);
    histogram_free(p->round_trips);
    histogram_free(p->first_replies);
    *p = (struct probes){0};
}

/* Number i of those on their way. */
static struct probe *at(const struct probes *p, size_t i)
{
    return &p->ring[(p->start + i) & (p->size - 1)];
}

static int grow(struct probes *p, struct error *err)
{
    struct probe *ring = malloc(2 * p->size * sizeof *ring);
    if (!ring)
        return error_sys(err, "memory for %zu probes on their way", 2 * p->size);
    for (size_t i = 0; i < p->count; i++)
        ring[i] = *at(p, i);
    free(p->ring);
    p->ring = ring;
    p->size *= 2;
    p->start = 0;
    return 0;
}

int probes_send(struct probes *p, uint64_t start_bytes, uint64_t size_bytes, uint64_t now_us,
                struct error *err)
{
    assert(p->count < PROBES_MAX);
    if (p->count == p->size && grow(p, err) < 0)
        return -1;
    *at(p, p->count++) = (struct probe){.seq = ++p->sent,
                                        .sent_us = now_us,
                                        .start_bytes = start_bytes,
                                        .end_bytes = start_bytes + size_bytes,
                                        .first = start_bytes == 0};
    return 0;
}

uint64_t probes_fail(struct probes *p)
{
    p->lost++;
    return ++p->sent;
}

static void drop_oldest(struct probes *p)
{
    p->start = (p->start + 1) & (p->size - 1);
    p->count--;
}

bool probes_receive(struct probes *p, uint64_t received_bytes, uint64_t now_us, struct probe *ret)
{
    if (!p->count || at(p, 0)->end_bytes > received_bytes)
        return false;
    *ret = *at(p, 0);
    drop_oldest(p);
    ret->time_us = now_us - ret->sent_us;
    ret->overdue = ret->time_us > p->timeout_us;
    p->received++;
    p->late += ret->overdue;
    histogram_record(ret->first ? p->first_replies : p->round_trips, ret->time_us * 1000);
    return true;
}

/* The oldest whose time is not over yet. */
static struct probe *next_to_expire(const struct probes *p)
{
    size_t overdue = probes_overdue(p);
    return overdue < p->count ? at(p, overdue) : NULL;
}

bool probes_expire(struct probes *p, uint64_t now_us, struct probe *ret)
{
    struct probe *next = next_to_expire(p);
    if (!next || p->timeout_us == UINT64_MAX || now_us - next->sent_us <= p->timeout_us)
        return false;
    next->overdue = true;
    *ret = *next;
    return true;
}

uint64_t probes_due_us(const struct probes *p)
{
    const struct probe *next = next_to_expire(p);
    return next && p->timeout_us != UINT64_MAX ? next->sent_us + p->timeout_us + 1 : UINT64_MAX;
}

const struct probe *probes_oldest(const struct probes *p)
{
    return p->count ? at(p, 0) : NULL;
}

/* Sent in their order, so overdue in their order. */
size_t probes_overdue(const struct probes *p)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(p, middle)->overdue)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool probes_lose(struct probes *p, bool all, struct probe *ret)
{
    if (!p->count || !(all || at(p, 0)->overdue))
        return false;
    *ret = *at(p, 0);
    drop_oldest(p);
    p->lost++;
    return true;
}

const struct histogram *probes_latency(const struct probes *p)
{
    struct histogram_summary others;
    histogram_summarize(p->round_trips, &others);
    return others.count ? p->round_trips : p->first_replies;
}

double probes_percent_lost(const struct probes *p)
{
    uint64_t overdue = probes_overdue(p);
    uint64_t known = p->sent - p->count + overdue;
    return known ? 100.0 * (double)(p->lost + overdue) / (double)known : 0;
}
