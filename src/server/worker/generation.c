/* SPDX-License-Identifier: MIT */
#include "generation.h"

#include <stdlib.h>

#include "tlsecho/server/config.h"

enum { QUIET_MS = 1000 }; /* while draining: a connection without a byte for so long is closed */

static void drop(struct generation **newest, struct generation *g)
{
    struct generation **at = newest;
    while (*at != g)
        at = &(*at)->older;
    *at = g->older;
    pool_done(&g->pool);
    config_snapshot_free(g->snapshot);
    free(g);
}

/* Takes over the reference to snapshot. NULL: no memory. */
static struct generation *make(struct generation **newest, const struct config_snapshot *snapshot)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    const struct config *config = snapshot->config;
    const uint64_t after_ms[CONN_TIMEOUTS] = {
        [CONN_TIMEOUT_HANDSHAKE] = config->timeouts_ms.handshake,
        [CONN_TIMEOUT_IDLE] = config->timeouts_ms.idle,
        [CONN_TIMEOUT_WRITE] = config->timeouts_ms.write,
        [CONN_TIMEOUT_QUIET] = QUIET_MS,
        [CONN_TIMEOUT_LINGER] = config->timeouts_ms.linger,
    };
    for (int kind = 0; kind < CONN_TIMEOUTS; kind++)
        deadline_queue_init(&g->timeouts[kind], after_ms[kind] * 1000);
    deadline_queue_init(&g->lifetimes, config->timeouts_ms.lifetime * 1000);
    pool_init(&g->pool, (size_t)config->limits.buffer_bytes);
    g->snapshot = snapshot;

    if (*newest && (*newest)->conns == 0)
        drop(newest, *newest);
    g->older = *newest;
    *newest = g;
    return g;
}

struct generation *generation_enter(struct generation **newest,
                                    const struct config_snapshot *snapshot)
{
    struct generation *g = *newest;
    while (g && g->snapshot != snapshot)
        g = g->older;
    if (g)
        config_snapshot_free(snapshot); /* it has a reference of its own */
    else
        g = make(newest, snapshot);
    if (g)
        g->conns++;
    return g;
}

void generation_leave(struct generation **newest, struct generation *g)
{
    g->conns--;
    if (g->conns == 0 && g != *newest)
        drop(newest, g);
}

void generation_drop_all(struct generation **newest)
{
    while (*newest)
        drop(newest, *newest);
}

uint64_t generation_due_us(const struct generation *newest)
{
    uint64_t due_us = UINT64_MAX;
    for (const struct generation *g = newest; g; g = g->older) {
        for (int kind = 0; kind < CONN_TIMEOUTS; kind++)
            if (deadline_next_us(&g->timeouts[kind]) < due_us)
                due_us = deadline_next_us(&g->timeouts[kind]);
        if (deadline_next_us(&g->lifetimes) < due_us)
            due_us = deadline_next_us(&g->lifetimes);
    }
    return due_us;
}
