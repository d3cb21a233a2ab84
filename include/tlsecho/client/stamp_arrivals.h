/* SPDX-License-Identifier: MIT */
/*
 * What a STAMP reflector's own record (net/stamp.h) tells of the way there: how many probes
 * arrived, and how many duplicates of them, up to the last of its numbers that came back. Replies
 * may come in any order; the one with the highest number counts.
 *
 * A record is believed only as a whole: each reply has to carry it, and none may contradict another
 * or its own probe. So a reflector that restarts, has no room for the session, or is another one
 * behind the same address leaves the figures to stamp_order.h.
 *
 * Ownership: a value; zero it to start.   Threads: one at a time.
 */
#ifndef TLSECHO_STAMP_ARRIVALS_H
#define TLSECHO_STAMP_ARRIVALS_H

#include <stdint.h>

#include "tlsecho/net/stamp.h"

enum stamp_record_state {
    STAMP_RECORD_NONE, /* no reply carried one */
    STAMP_RECORD_USED,
    STAMP_RECORD_PARTIAL,       /* only some did */
    STAMP_RECORD_REPLACED,      /* by another, which began anew */
    STAMP_RECORD_CONTRADICTORY, /* its counts cannot be */
};

/* Of which `arrived` are different probes, `duplicated` further copies, and the rest unknown. */
struct stamp_arrivals_count {
    uint64_t total;
    uint64_t newest; /* the latest probe among them, from 1 */
    uint64_t arrived, duplicated;
};

struct stamp_arrivals {
    enum stamp_record_state state; /* once it is PARTIAL or later it stays so */
    bool answered;                 /* a reply has come */
    uint32_t id;
    struct stamp_arrivals_count last; /* while USED */
};

/* A reply to probe seq. */
void stamp_arrivals_add(struct stamp_arrivals *a, uint64_t seq,
                        const struct stamp_numbers *numbers);

/* Arrivals that came too late for the reflector to know whether they were duplicates. */
uint64_t stamp_arrivals_unknown(const struct stamp_arrivals_count *count);

#endif
