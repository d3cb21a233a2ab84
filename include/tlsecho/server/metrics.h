/* SPDX-License-Identifier: MIT */
/*
 * All counters, summed over the threads, in Prometheus' text format or in the log. No label comes
 * from a peer, so that peers cannot add series. A listener keeps its counters over a reload, by its
 * name and transport.
 *
 * Ownership: shards, snapshot and admission stay the caller's.   Threads: the main one.
 */
#ifndef TLSECHO_METRICS_H
#define TLSECHO_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "tlsecho/server/admission.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/metrics_process.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/stamp_sessions.h"

enum { METRICS_SHARDS = 1024 }; /* as many as there may be workers */

/* Which listener a slot belongs to. */
struct metrics_slot {
    char *name; /* the listener's; NULL = free */
    enum endpoint_scheme transport;
};

struct metrics {
    const struct metrics_shard *shards[METRICS_SHARDS];
    unsigned shard_count;
    struct metrics_slot slots[METRICS_LISTENERS];
    const struct config_snapshot *snapshot; /* in force */
    const struct admission *admission;      /* NULL = there is none */
    struct stamp_sessions *stamp;           /* likewise */
    struct metrics_process process;
    uint64_t start_us;
    uint64_t reloads, reloads_refused;
    int64_t reloaded_at; /* when the snapshot took effect; seconds since 1970, UTC */
    bool reload_refused; /* the last one */
};

/* One listener, over all shards. */
struct metrics_sum {
    const char *listener, *transport; /* labels */
    bool streams, datagrams;          /* which of the rest it can have */
    uint64_t accepted, live, received_bytes, sent_bytes;
    uint64_t ended[CONN_ENDS];
    uint64_t datagrams_received, datagrams_sent;
    uint64_t dropped[DATAGRAM_DROPS];
    uint64_t cookies[METRICS_COOKIES];
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);

/* The shard must outlive metrics; at most METRICS_SHARDS of them. */
void metrics_add_shard(struct metrics *metrics, const struct metrics_shard *shard);

/*
 * The snapshot is in force from now on; the caller keeps it until the next one is. Each of its
 * listeners gets a slot: the one that its name and transport had before, or a free one.
 */
void metrics_adopt(struct metrics *metrics, const struct config_snapshot *snapshot);

/* The slot of a listener of the snapshot in force, for its connections' counters. */
unsigned metrics_slot(const struct metrics *metrics, const struct config_listener *listener);

/* Counts a refused reload; metrics_adopt counts the others. */
void metrics_count_refused_reload(struct metrics *metrics);

/* False if the slot is free. */
bool metrics_sum(const struct metrics *metrics, unsigned slot, struct metrics_sum *ret);

/* The number of handshakes of the kind at that index, metrics_handshake_at. */
uint64_t metrics_sum_handshakes(const struct metrics *metrics, unsigned index);

/* Writes all metrics in Prometheus' text format, version 0.0.4. */
void metrics_print(const struct metrics *metrics, FILE *out);

/* Logs event=summary, and event=summary_listener for each listener. */
void metrics_log(const struct metrics *metrics);

#endif
