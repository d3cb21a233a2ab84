/* SPDX-License-Identifier: MIT */
/*
 * The counters of one thread, which is the only writer of its shard: counting is a load, an
 * addition and a store, without a lock or a cache line that another thread writes. A reader sums
 * over all shards and may miss the latest increments; see metrics.h.
 *
 * Ownership: the thread's.   Threads: one that counts, any that read.
 */
#ifndef TLSECHO_METRICS_SHARD_H
#define TLSECHO_METRICS_SHARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/net/endpoint.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/server/conn_end.h"
#include "tlsecho/server/datagram_drop.h"

enum {
    METRICS_LISTENERS = 256, /* slots; the last one is shared by all that found none free */
    METRICS_VERSIONS = 5,
    METRICS_GROUPS = 14,
    METRICS_BUCKETS = 16, /* at most, the one without an upper bound included */
    METRICS_TRANSPORTS = ENDPOINT_SCHEMES,
    METRICS_CACHE_LINE_BYTES = 64,
    METRICS_HANDSHAKES = METRICS_VERSIONS * METRICS_GROUPS * 2 * CONN_ENDS,
};

struct metrics_counter {
    _Atomic uint64_t value;
};

/* What a first ClientHello over DTLS had. */
enum metrics_cookie {
    METRICS_COOKIE_NONE,  /* and was answered with one */
    METRICS_COOKIE_WRONG, /* likewise */
    METRICS_COOKIE_VALID,
    METRICS_COOKIES,
};

struct metrics_listener {
    struct metrics_counter accepted, received_bytes, sent_bytes;
    struct metrics_counter datagrams_received, datagrams_sent, dropped[DATAGRAM_DROPS];
    struct metrics_counter ended[CONN_ENDS], cookies[METRICS_COOKIES];
};

/* Upper bounds in ascending order; a value that equals one is below it. */
struct metrics_bounds {
    uint64_t us[METRICS_BUCKETS - 1];
    unsigned count;
};

struct metrics_histogram {
    struct metrics_counter buckets[METRICS_BUCKETS]; /* not cumulative; [count]: above all bounds */
    struct metrics_counter sum_us;
};

struct metrics_shard {
    _Alignas(METRICS_CACHE_LINE_BYTES) struct metrics_listener listeners[METRICS_LISTENERS];
    struct metrics_counter handshakes[METRICS_HANDSHAKES]; /* of metrics_handshake_at */
    struct metrics_histogram handshake_duration[2];        /* of those that succeeded; [resumed] */
    struct metrics_histogram connection_duration[METRICS_TRANSPORTS];
};

/* A kind of handshake. */
struct metrics_handshake {
    unsigned version, group; /* metrics_version_name, metrics_group_name */
    bool resumed;
    enum conn_end end; /* CONN_END_NONE = it succeeded */
};

extern const struct metrics_bounds metrics_handshake_bounds, metrics_connection_bounds;

/* NULL = no memory. */
struct metrics_shard *metrics_shard_new(void);
void metrics_shard_free(struct metrics_shard *shard);

static inline void metrics_add(struct metrics_counter *counter, uint64_t n)
{
    uint64_t before = atomic_load_explicit(&counter->value, memory_order_relaxed);
    atomic_store_explicit(&counter->value, before + n, memory_order_relaxed);
}

static inline uint64_t metrics_read(const struct metrics_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

/* A handshake that ended that way; CONN_END_NONE = it succeeded. */
void metrics_count_handshake(struct metrics_shard *shard, const struct peer *peer,
                             enum conn_end end, uint64_t duration_us);

/* A connection of that slot and transport has ended. */
void metrics_count_end(struct metrics_shard *shard, unsigned slot, enum endpoint_scheme transport,
                       enum conn_end end, uint64_t duration_us);

/* The kind whose counter is at that index. */
struct metrics_handshake metrics_handshake_at(unsigned index);

/* Labels: the i-th name. "other": not in the list; "none": unknown. */
const char *metrics_version_name(unsigned i);
const char *metrics_group_name(unsigned i);

#endif
