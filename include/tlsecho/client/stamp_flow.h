/* SPDX-License-Identifier: MIT */
/*
 * What the replies of a STAMP reflector tell of each direction (RFC 8762): a stateful reflector
 * numbers what it sends, so a number that is missing was lost on the way back, and what is missing
 * otherwise on the way there. Jitter needs no synchronized clocks (jitter.h); one-way delays do.
 *
 * A reflector that repeats the sender's number is stateless, and nothing tells the directions
 * apart; as long as nothing is lost on the way there, a stateful one looks the same.
 *
 * Ownership: a value; zero it to start.   Threads: one at a time.
 */
#ifndef TLSECHO_STAMP_FLOW_H
#define TLSECHO_STAMP_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/jitter.h"
#include "tlsecho/client/ledger.h"

/* The four times of a reply, in nanoseconds since 1970, the middle ones by the reflector's clock,
 * or STAMP_UNKNOWN_NS: then there is no delay. */
struct stamp_times {
    int64_t sent_ns, reflector_received_ns, reflector_sent_ns, received_ns;
};

struct stamp_delay {
    int64_t min_ns, max_ns;
    double sum_ns;
};

enum stamp_direction { STAMP_FORWARD, STAMP_REVERSE, STAMP_DIRECTIONS };

struct stamp_way {
    uint64_t lost, duplicated;
    struct jitter jitter;
    struct stamp_delay delay; /* of jitter.count replies; right only if the clocks agree */
};

enum { STAMP_WINDOW = 1 << 16, STAMP_WORD_BITS = 64 }; /* of numbers that are remembered */

/* The reflector's numbers since it began to count: those of a session, which ends when it forgets
 * us. */
struct stamp_numbers {
    uint64_t first, last;                          /* that it has used, as far as it is known */
    uint64_t seen[STAMP_WINDOW / STAMP_WORD_BITS]; /* a bit for each up to `last` */
};

struct stamp_flow {
    struct stamp_numbers numbers;
    bool began;
    uint64_t reflected; /* in earlier sessions: what it sent, lost or not */
    uint64_t seen;      /* numbers that arrived here, each once */
    uint64_t last_seq;  /* the last probe that was answered */
    bool stateful;
    struct stamp_way ways[STAMP_DIRECTIONS];
};

/*
 * A reply to probe seq of the ledger, which has just counted it as `reply`; reflector_seq is the
 * reflector's own number. LEDGER_UNKNOWN is ignored.
 */
void stamp_flow_add(struct stamp_flow *f, uint64_t seq, enum ledger_reply reply,
                    uint32_t reflector_seq, const struct stamp_times *times);

struct stamp_result {
    struct stamp_way ways[STAMP_DIRECTIONS];
    uint64_t lost_somewhere; /* after the last reply: nothing tells the direction */
    bool answered;           /* a reply has come */
    bool stateful;           /* the reflector has numbers of its own, as one differed from ours */
};

/* received: probes that were answered; lost: those that were not. */
void stamp_flow_result(const struct stamp_flow *f, const struct ledger *ledger,
                       struct stamp_result *ret);

/* "forward", "reverse". */
const char *stamp_direction_name(enum stamp_direction direction);

#endif
