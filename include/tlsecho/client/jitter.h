/* SPDX-License-Identifier: MIT */
/*
 * The interarrival jitter of RFC 3550 §6.4.1, from the transit times of packets in the order of
 * their arrival. A constant difference between two clocks does not matter, so a transit time may be
 * a round trip, or the way there alone.
 *
 * Ownership: a value; zero it to start.   Threads: one at a time.
 */
#ifndef TLSECHO_JITTER_H
#define TLSECHO_JITTER_H

#include <stdint.h>

struct jitter {
    uint64_t count;     /* of packets */
    int64_t transit_ns; /* of the last one */
    double ns;          /* the estimate; 0 with fewer than two packets */
};

/* The next packet that arrived took so long. */
void jitter_add(struct jitter *j, int64_t transit_ns);

#endif
