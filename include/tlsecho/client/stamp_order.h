/* SPDX-License-Identifier: MIT */
/*
 * What the numbers of a STAMP reflector prove of losses and duplicates (RFC 8762 §4.2). A stateful
 * reflector numbers what arrives, in that order: a number that never comes back is a reply that was
 * lost on the way back, to a probe that is lost or to a duplicate of another one.
 *
 * While probes arrive in the order in which they were sent, which of the two is told by the numbers
 * around it: between those of probes 4 and 5 there is only a duplicate, between those of 4 and 6
 * there may be 5. Where both a lost probe and a duplicate would be in place, it is taken to be the
 * probe: nothing in a reply tells that a duplicate was lost there on the way back and the probe on
 * the way there. Once a probe has arrived behind later ones, the lost ones may have, too, as far
 * behind as any was: a number may then be that of a lost probe or of a duplicate.
 *
 * Ownership: a value; zero it to start.   Threads: one at a time.
 */
#ifndef TLSECHO_STAMP_ORDER_H
#define TLSECHO_STAMP_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* How many numbers, and how many probes, are remembered. */
enum { STAMP_NUMBERS = 1 << 16, STAMP_PROBES = 1 << 17, STAMP_WORD_BITS = 64 };

/* Numbers that did not come back, and the lost probes that they may have been given to. */
struct stamp_match {
    uint64_t next;  /* earlier probes have a number, or were not in its place */
    uint64_t count; /* of probes with a number */
};

/* What the numbers up to some point have told. */
struct stamp_count {
    uint64_t newest;             /* the latest probe that has arrived */
    uint64_t gap;                /* missing numbers since */
    uint64_t missing;            /* numbers that did not come back */
    uint64_t displaced;          /* how many probes one was behind, at most; 0 = all in order */
    struct stamp_match in_order; /* if none of the lost ones was */
    struct stamp_match behind;   /* if they were, as far as others */
    uint64_t behind_last;        /* lost ones that may have arrived after the last number */
    uint64_t restarts;           /* lost while the reflector began to count again */
    bool restarted;              /* nothing has come since it did */
};

struct stamp_order {
    struct stamp_count count; /* up to `next` */
    bool began;
    uint64_t base, next, last;    /* its first number, the first not yet counted, the last one */
    uint64_t seqs[STAMP_NUMBERS]; /* which probe each answers, from `next` to `last`; 0 = missing */
    uint64_t last_seq;            /* the latest probe that was answered */
    uint64_t answered[STAMP_PROBES / STAMP_WORD_BITS]; /* a bit for each up to that one */
};

/* A reply to probe seq has come back under that number, of which a packet has the lower 32 bits.
 * Returns false if that reply has come before. */
bool stamp_order_add(struct stamp_order *o, uint64_t seq, uint32_t number);

/* What all numbers up to the last one tell. */
void stamp_order_count(const struct stamp_order *o, struct stamp_count *ret);

/* How many probes from `from` on and before `before` were not answered. What is no longer
 * remembered was not: so many were lost. */
uint64_t stamp_order_count_unanswered(const struct stamp_order *o, uint64_t from, uint64_t before);

#endif
