/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tlsecho/base/clock.h"

enum { OVERFLOW = METRICS_LISTENERS - 1 };

void metrics_init(struct metrics *metrics)
{
    *metrics = (struct metrics){.start_us = clock_now_us()};
    metrics_process_open(&metrics->process);
}

void metrics_done(struct metrics *metrics)
{
    for (unsigned i = 0; i < METRICS_LISTENERS; i++)
        free(metrics->slots[i].name);
    metrics_process_close(&metrics->process);
}

void metrics_add_shard(struct metrics *metrics, const struct metrics_shard *shard)
{
    assert(metrics->shard_count < METRICS_SHARDS);
    metrics->shards[metrics->shard_count++] = shard;
}

static bool has_slot(const struct metrics_slot *slot, const struct config_listener *listener)
{
    return slot->transport == listener->listen.scheme &&
           strcmp(slot->name, listener->name.value) == 0;
}

/* The listener's slot, or else the first free one; OVERFLOW if there is neither. */
static unsigned find_slot(const struct metrics *metrics, const struct config_listener *listener)
{
    unsigned i = 0;
    while (i < OVERFLOW && metrics->slots[i].name && !has_slot(&metrics->slots[i], listener))
        i++;
    return i;
}

unsigned metrics_slot(const struct metrics *metrics, const struct config_listener *listener)
{
    unsigned i = find_slot(metrics, listener);
    return metrics->slots[i].name ? i : OVERFLOW; /* no memory for its name */
}

static void reserve_slot(struct metrics *metrics, const struct config_listener *listener)
{
    struct metrics_slot *slot = &metrics->slots[find_slot(metrics, listener)];
    if (slot == &metrics->slots[OVERFLOW] || slot->name)
        return;
    slot->name = strdup(listener->name.value);
    slot->transport = listener->listen.scheme;
}

void metrics_adopt(struct metrics *metrics, const struct config_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->config->listener_count; i++)
        reserve_slot(metrics, &snapshot->config->listeners[i]);
    if (metrics->snapshot)
        metrics->reloads++;
    metrics->snapshot = snapshot;
    metrics->reloaded_at = (int64_t)time(NULL);
    metrics->reload_refused = false;
}

void metrics_count_refused_reload(struct metrics *metrics)
{
    metrics->reloads_refused++;
    metrics->reload_refused = true;
}

static void add_datagrams(const struct metrics_listener *from, struct metrics_sum *sum)
{
    sum->datagrams_received += metrics_read(&from->datagrams_received);
    sum->datagrams_sent += metrics_read(&from->datagrams_sent);
    for (unsigned drop = 0; drop < DATAGRAM_DROPS; drop++)
        sum->dropped[drop] += metrics_read(&from->dropped[drop]);
    for (unsigned cookie = 0; cookie < METRICS_COOKIES; cookie++)
        sum->cookies[cookie] += metrics_read(&from->cookies[cookie]);
}

bool metrics_sum(const struct metrics *metrics, unsigned slot, struct metrics_sum *ret)
{
    const struct metrics_slot *s = &metrics->slots[slot];
    struct metrics_sum sum = {.listener = s->name ? s->name : "other",
                              .transport = s->name ? endpoint_scheme_name(s->transport) : "other"};
    uint64_t ended = 0;
    for (unsigned i = 0; i < metrics->shard_count; i++) {
        const struct metrics_listener *from = &metrics->shards[i]->listeners[slot];
        for (unsigned end = 0; end < CONN_ENDS; end++) {
            uint64_t n = metrics_read(&from->ended[end]);
            sum.ended[end] += n;
            ended += n;
        }
        sum.accepted += metrics_read(&from->accepted);
        sum.received_bytes += metrics_read(&from->received_bytes);
        sum.sent_bytes += metrics_read(&from->sent_bytes);
        add_datagrams(from, &sum);
    }
    sum.live = sum.accepted > ended ? sum.accepted - ended : 0; /* other threads count meanwhile */
    sum.streams = !s->name || s->transport != ENDPOINT_UDP;
    sum.datagrams = !s->name || endpoint_has_datagrams(s->transport);
    *ret = sum;
    return s->name || sum.accepted > 0 || sum.datagrams_received > 0;
}

uint64_t metrics_sum_handshakes(const struct metrics *metrics, unsigned index)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < metrics->shard_count; i++)
        n += metrics_read(&metrics->shards[i]->handshakes[index]);
    return n;
}
