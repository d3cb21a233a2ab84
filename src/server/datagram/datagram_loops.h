/* SPDX-License-Identifier: MIT */
/*
 * Finds sources that return the answers: two echo servers that a forged source address points at
 * each other. A source whose last DATAGRAM_LOOPS_MAX datagrams each equal one of as many last
 * different answers to it is ignored for a while.
 *
 * With more datagrams than that on their way, each is forgotten when it returns. So there are
 * levels: level 0 remembers all answers, and each level above it a sample, one in 16 of those of
 * the level below, by hash. It remembers as many of them, which reach back 16 times as far, and
 * counts those that return likewise. What a level below remembers does not count: one payload that
 * a client repeats among others is no loop. So loops of about 100, 1,600 and 20,000 datagrams are
 * found.
 *
 * The table has a fixed size: a new source takes the place of the one of its set that has been
 * silent for longest.
 *
 * Ownership: a worker's.   Threads: the worker's.
 */
#ifndef TLSECHO_DATAGRAM_LOOPS_H
#define TLSECHO_DATAGRAM_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

enum {
    DATAGRAM_LOOPS_MAX = 100,
    DATAGRAM_LOOPS_LEVELS = 3,
    DATAGRAM_LOOPS_BUCKETS = 128,
    DATAGRAM_LOOPS_SAMPLE_BITS = 4, /* each level takes 1 in 2^4 of the level below */
    DATAGRAM_LOOPS_IGNORE_US = 60 * 1000 * 1000,
};

struct datagram_loops;

/* One source, by address and port, at one listener. */
struct datagram_partner_key {
    struct in6_addr address; /* an IPv4 address is mapped */
    uint32_t scope;
    uint16_t port, listener;
};

struct datagram_loops_level {
    uint32_t returned;                    /* that many of its sample in a row */
    uint32_t next;                        /* of answers */
    uint32_t answers[DATAGRAM_LOOPS_MAX]; /* their hashes, all different; 0 = none */
    /* A list of those whose hashes share a bucket. Index + 1 of an answer; 0 = none. */
    uint8_t first[DATAGRAM_LOOPS_BUCKETS], following[DATAGRAM_LOOPS_MAX];
};

/* Valid until the next datagram_loops_find. */
struct datagram_partner {
    struct datagram_partner_key key;
    uint64_t last_us;   /* 0 = the entry is free */
    uint64_t ignore_us; /* it is ignored until then */
    struct datagram_loops_level levels[DATAGRAM_LOOPS_LEVELS];
};

/* ERROR_SYSTEM. */
int datagram_loops_new(struct datagram_loops **ret, struct error *err);
void datagram_loops_free(struct datagram_loops *loops);

/* The source, which may be a new one. */
struct datagram_partner *datagram_loops_find(struct datagram_loops *loops,
                                             const struct address *peer, unsigned listener,
                                             uint64_t now_us);

/* Of a payload; never 0. */
uint32_t datagram_loops_hash(const struct datagram_loops *loops, const unsigned char *data,
                             size_t size);

enum datagram_loops_verdict {
    DATAGRAM_LOOPS_ANSWER,
    DATAGRAM_LOOPS_FOUND, /* it is ignored from now on */
    DATAGRAM_LOOPS_IGNORE,
};

/* A datagram has come. hash: of what it may return; other: likewise, or 0. */
enum datagram_loops_verdict datagram_loops_receive(struct datagram_partner *partner, uint32_t hash,
                                                   uint32_t other, uint64_t now_us);

/* It is answered. */
void datagram_loops_answer(struct datagram_partner *partner, uint32_t hash);

#endif
