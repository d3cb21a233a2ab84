/* SPDX-License-Identifier: MIT */
/*
 * Everything that is counted, summed over the threads that count, as Prometheus' text or as lines
 * in the log. Nothing that a peer says becomes a label, so that no peer adds a series; a listener
 * keeps its counters over a reload by its name and transport.
 *
 * Ownership: shards, settings and admission stay the caller's.   Threads: the main one.
 */
#ifndef TLSECHO_METRICS_H
#define TLSECHO_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "tlsecho/server/admission.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/metrics_process.h"
#include "tlsecho/server/metrics_shard.h"

enum { METRICS_SHARDS = 1024 }; /* as many as there may be workers */

/* Who counts in a slot. */
struct metrics_slot {
    char *name; /* the listener's; NULL = nobody */
    enum endpoint_scheme transport;
};

struct metrics {
    const struct metrics_shard *shards[METRICS_SHARDS];
    unsigned shard_count;
    struct metrics_slot slots[METRICS_LISTENERS];
    const struct config_snapshot *snapshot; /* in force */
    const struct admission *admission;      /* NULL = there is none */
    struct metrics_process process;
    uint64_t start_us;
    uint64_t reloads, reloads_refused;
    int64_t reloaded_at; /* when settings came into force; seconds since 1970, UTC */
    bool reload_refused; /* the last one */
};

/* One listener, over all shards. */
struct metrics_sum {
    const char *listener, *transport; /* labels */
    uint64_t accepted, live, received_bytes, sent_bytes;
    uint64_t ended[CONN_ENDS];
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);

/* shard must stay until metrics_done; at most METRICS_SHARDS of them. */
void metrics_add_shard(struct metrics *metrics, const struct metrics_shard *shard);

/*
 * The snapshot is in force from now on; it must stay until the next one is. Each of its listeners
 * has a slot: the one that its name and transport had before, or a free one.
 */
void metrics_adopt(struct metrics *metrics, const struct config_snapshot *snapshot);

/* The slot of a listener of the snapshot in force: what its connections are counted in. */
unsigned metrics_slot(const struct metrics *metrics, const struct config_listener *listener);

/* A reload has been refused; metrics_adopt counts the others. */
void metrics_count_refused_reload(struct metrics *metrics);

/* False if nobody counts in that slot. */
bool metrics_sum(const struct metrics *metrics, unsigned slot, struct metrics_sum *ret);

/* How many handshakes were of the kind of that index, metrics_handshake_at. */
uint64_t metrics_sum_handshakes(const struct metrics *metrics, unsigned index);

/* All of it in Prometheus' text format, version 0.0.4. */
void metrics_print(const struct metrics *metrics, FILE *out);

/* All of it in the log: event=summary, and event=summary_listener for each listener. */
void metrics_log(const struct metrics *metrics);

#endif
