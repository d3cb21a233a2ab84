/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/metrics_shard.h"

#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000)
#define S  (1000 * MS)
#define H  (3600 * S)

const struct metrics_bounds metrics_handshake_bounds = {
    .us = {MS, 2500, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, S, 2500 * MS,
           5 * S, 10 * S},
    .count = 13,
};

const struct metrics_bounds metrics_connection_bounds = {
    .us = {10 * MS, 100 * MS, S, 10 * S, 60 * S, 300 * S, 900 * S, H, 6 * H, 24 * H},
    .count = 10,
};

/* The first two: unknown, and not in the list. */
static const char *const versions[METRICS_VERSIONS] = {"none", "other", "TLSv1.2", "TLSv1.3",
                                                       "DTLSv1.2"};
static const char *const groups[METRICS_GROUPS] = {
    "none",      "other",     "X25519",    "P-256",     "P-384",     "P-521",    "X448",
    "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192", "MLKEM768", "X25519MLKEM768",
};

enum { NONE, OTHER };

static unsigned find(const char *const *names, unsigned count, const char *name)
{
    if (*name == '\0')
        return NONE;
    for (unsigned i = OTHER + 1; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return OTHER;
}

const char *metrics_version_name(unsigned i)
{
    return versions[i];
}

const char *metrics_group_name(unsigned i)
{
    return groups[i];
}

struct metrics_shard *metrics_shard_new(void)
{
    struct metrics_shard *shard = aligned_alloc(METRICS_CACHE_LINE_BYTES, sizeof *shard);
    if (shard)
        memset(shard, 0, sizeof *shard);
    return shard;
}

void metrics_shard_free(struct metrics_shard *shard)
{
    free(shard);
}

static void observe(struct metrics_histogram *histogram, const struct metrics_bounds *bounds,
                    uint64_t us)
{
    unsigned i = 0;
    while (i < bounds->count && us > bounds->us[i])
        i++;
    metrics_add(&histogram->buckets[i], 1);
    metrics_add(&histogram->sum_us, us);
}

void metrics_count_handshake(struct metrics_shard *shard, const struct peer *peer,
                             enum conn_end end, uint64_t duration_us)
{
    unsigned index = find(versions, METRICS_VERSIONS, peer->version);
    index = index * METRICS_GROUPS + find(groups, METRICS_GROUPS, peer->group);
    index = (index * 2 + peer->resumed) * CONN_ENDS + end;
    metrics_add(&shard->handshakes[index], 1);
    if (end == CONN_END_NONE)
        observe(&shard->handshake_duration[peer->resumed], &metrics_handshake_bounds, duration_us);
}

struct metrics_handshake metrics_handshake_at(unsigned index)
{
    return (struct metrics_handshake){
        .version = index / CONN_ENDS / 2 / METRICS_GROUPS,
        .group = index / CONN_ENDS / 2 % METRICS_GROUPS,
        .resumed = index / CONN_ENDS % 2,
        .end = (enum conn_end)(index % CONN_ENDS),
    };
}

void metrics_count_end(struct metrics_shard *shard, unsigned slot, enum endpoint_scheme transport,
                       enum conn_end end, uint64_t duration_us)
{
    metrics_add(&shard->listeners[slot].ended[end], 1);
    observe(&shard->connection_duration[transport], &metrics_connection_bounds, duration_us);
}
