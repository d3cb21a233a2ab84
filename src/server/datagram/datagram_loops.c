/* SPDX-License-Identifier: MIT */
#include "datagram_loops.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* 4,096 sources of 1,952 bytes: 8.0 MB in all; untouched pages take no memory. */
enum { SET_BITS = 10, SETS = 1 << SET_BITS, WAYS = 4 };

struct datagram_loops {
    uint64_t key[2]; /* random: a peer cannot choose payloads or ports of equal hashes */
    struct datagram_partner sets[SETS][WAYS];
};

int datagram_loops_new(struct datagram_loops **ret, struct error *err)
{
    struct datagram_loops *loops = calloc(1, sizeof *loops);
    if (!loops || getrandom(loops->key, sizeof loops->key, 0) != (ssize_t)sizeof loops->key) {
        free(loops);
        return error_sys(err, "create the table of datagram sources");
    }
    loops->key[1] |= 1;
    *ret = loops;
    return 0;
}

void datagram_loops_free(struct datagram_loops *loops)
{
    free(loops);
}

static uint64_t mix(const struct datagram_loops *loops, uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * loops->key[1];
    return hash ^ hash >> 32;
}

static uint64_t word_at(const unsigned char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* As many multiplications at once, so that they need not wait for each other. */
enum { LANES = 4, LANES_BYTES = LANES * sizeof(uint64_t) };

/* Of a multiple of LANES_BYTES. */
static uint64_t hash_lanes(const struct datagram_loops *loops, const unsigned char *data,
                           size_t size)
{
    uint64_t lanes[LANES] = {loops->key[0], loops->key[0], loops->key[0], loops->key[0]};
    for (size_t i = 0; i < size; i += LANES_BYTES)
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] = mix(loops, lanes[lane], word_at(data + i + lane * sizeof(uint64_t)));
    for (size_t lane = 1; lane < LANES; lane++)
        lanes[0] = mix(loops, lanes[0], lanes[lane]);
    return lanes[0];
}

uint32_t datagram_loops_hash(const struct datagram_loops *loops, const unsigned char *data,
                             size_t size)
{
    uint64_t hash = loops->key[0] ^ size, rest = 0;
    size_t i = size - size % LANES_BYTES;
    if (i > 0)
        hash ^= hash_lanes(loops, data, i);
    for (; i + sizeof rest <= size; i += sizeof rest)
        hash = mix(loops, hash, word_at(data + i));
    memcpy(&rest, data + i, size - i);
    hash = mix(loops, hash, rest);
    return (uint32_t)(hash >> 32) | 1;
}

static struct datagram_partner_key key_of(const struct address *peer, unsigned listener)
{
    struct datagram_partner_key key = {.port = address_port(peer), .listener = (uint16_t)listener};
    if (peer->any.sa_family == AF_INET6) {
        key.address = peer->ipv6.sin6_addr;
        key.scope = peer->ipv6.sin6_scope_id;
        return key;
    }
    key.address.s6_addr[10] = key.address.s6_addr[11] = 0xff;
    memcpy(&key.address.s6_addr[12], &peer->ipv4.sin_addr, sizeof peer->ipv4.sin_addr);
    return key;
}

static bool is_same(const struct datagram_partner_key *a, const struct datagram_partner_key *b)
{
    return memcmp(&a->address, &b->address, sizeof a->address) == 0 && a->scope == b->scope &&
           a->port == b->port && a->listener == b->listener;
}

static struct datagram_partner *set_of(struct datagram_loops *loops,
                                       const struct datagram_partner_key *key)
{
    uint64_t hash = mix(loops, loops->key[0], word_at(key->address.s6_addr));
    hash = mix(loops, hash, word_at(key->address.s6_addr + 8));
    hash = mix(loops, hash, (uint64_t)key->scope << 32 | (uint32_t)key->port << 16 | key->listener);
    return loops->sets[hash >> (64 - SET_BITS)];
}

/* When the entry may be used for another source: an ignored one is kept for as long as it is. */
static uint64_t busy_us(const struct datagram_partner *p)
{
    return p->ignore_us > p->last_us ? p->ignore_us : p->last_us;
}

struct datagram_partner *datagram_loops_find(struct datagram_loops *loops,
                                             const struct address *peer, unsigned listener,
                                             uint64_t now_us)
{
    struct datagram_partner_key key = key_of(peer, listener);
    struct datagram_partner *set = set_of(loops, &key), *oldest = set;
    for (struct datagram_partner *p = set; p < set + WAYS; p++) {
        if (p->last_us > 0 && is_same(&p->key, &key)) {
            p->last_us = now_us;
            return p;
        }
        if (busy_us(p) < busy_us(oldest))
            oldest = p;
    }
    *oldest = (struct datagram_partner){.key = key, .last_us = now_us};
    return oldest;
}

static bool is_in_sample(unsigned level, uint32_t hash)
{
    return hash <= UINT32_MAX >> (level * DATAGRAM_LOOPS_SAMPLE_BITS);
}

/* Bit 0 is always 1. */
static uint8_t *bucket_of(struct datagram_loops_level *level, uint32_t hash)
{
    return &level->first[(hash >> 1) % DATAGRAM_LOOPS_BUCKETS];
}

static bool remembers(struct datagram_partner *partner, unsigned i, uint32_t hash)
{
    struct datagram_loops_level *level = &partner->levels[i];
    if (!is_in_sample(i, hash))
        return false;
    for (unsigned at = *bucket_of(level, hash); at > 0; at = level->following[at - 1])
        if (level->answers[at - 1] == hash)
            return true;
    return false;
}

enum datagram_loops_verdict datagram_loops_receive(struct datagram_partner *partner, uint32_t hash,
                                                   uint32_t other, uint64_t now_us)
{
    if (now_us < partner->ignore_us)
        return DATAGRAM_LOOPS_IGNORE;
    for (unsigned i = 0; i < DATAGRAM_LOOPS_LEVELS; i++) {
        struct datagram_loops_level *level = &partner->levels[i];
        if (remembers(partner, i, hash) || (other && remembers(partner, i, other))) {
            if (++level->returned < DATAGRAM_LOOPS_MAX)
                return DATAGRAM_LOOPS_ANSWER;
            partner->ignore_us = now_us + DATAGRAM_LOOPS_IGNORE_US;
            memset(partner->levels, 0, sizeof partner->levels);
            return DATAGRAM_LOOPS_FOUND;
        }
        if (is_in_sample(i, hash) && (!other || is_in_sample(i, other)))
            level->returned = 0;
    }
    return DATAGRAM_LOOPS_ANSWER;
}

/* The new answer takes the place of the oldest one. */
static void remember(struct datagram_loops_level *level, uint32_t hash)
{
    uint32_t place = level->next;
    if (level->answers[place] != 0) {
        uint8_t *link = bucket_of(level, level->answers[place]);
        while (*link != place + 1)
            link = &level->following[*link - 1];
        *link = level->following[place];
    }
    uint8_t *bucket = bucket_of(level, hash);
    level->answers[place] = hash;
    level->following[place] = *bucket;
    *bucket = (uint8_t)(place + 1);
    level->next = (place + 1) % DATAGRAM_LOOPS_MAX;
}

void datagram_loops_answer(struct datagram_partner *partner, uint32_t hash)
{
    for (unsigned i = 0; i < DATAGRAM_LOOPS_LEVELS && is_in_sample(i, hash); i++)
        if (!remembers(partner, i, hash))
            remember(&partner->levels[i], hash);
}
