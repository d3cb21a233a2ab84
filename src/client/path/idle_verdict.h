/* SPDX-License-Identifier: MIT */
/*
 * What the ladders have shown of silent connections, and how it is told: as a finding or as notes.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_IDLE_VERDICT_H
#define TLSECHO_IDLE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "idle_conn.h"

/* What is known of the path. */
struct idle {
    uint64_t end_us;          /* of the stage, clock_now_us */
    uint64_t low_us, high_us; /* survived, not survived; 0 = unknown */
    enum idle_fate fate;      /* of what did not */
    bool told;
    unsigned gone;        /* connections */
    bool outlived;        /* a later connection survived longer */
    uint64_t finished_us; /* when the server itself ended one; 0 = it did not */
    bool by_fin;          /* and that was a FIN on plain TCP */
    uint64_t keepalive_s; /* that was tried; 0 = none */
    bool held;            /* by it, */
    bool too_short;       /* for any keepalive */
    bool limited;         /* in its connections */
    uint64_t kept_us;     /* through this silence */
    unsigned aged;        /* ladders beside which one that talked ended at the same age */
    bool talked;          /* one that talked grew older */
};

/* Connections end at some age, those that talk, too. */
bool idle_verdict_is_lifetime(const struct idle *idle);
void idle_verdict_note_lifetime(struct path *p, const struct idle *idle);

/* The server ended one itself. */
void idle_verdict_note_finish(struct path *p, const struct idle *idle);

/* Connections were gone: a finding, if gone_enough of them were and nothing speaks against it. */
void idle_verdict_tell(struct path *p, const struct idle *idle, unsigned gone_enough);

#endif
