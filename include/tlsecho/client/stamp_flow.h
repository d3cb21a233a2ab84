/* SPDX-License-Identifier: MIT */
/*
 * What the replies of a STAMP reflector tell of each direction (RFC 8762): losses and duplicates by
 * its record, as stamp_arrivals.h has it, and if it keeps none, by its numbers, as stamp_order.h
 * has it. Jitter needs no synchronized clocks (jitter.h); one-way delays do.
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
#include "tlsecho/client/stamp_arrivals.h"
#include "tlsecho/client/stamp_order.h"

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

struct stamp_flow {
    struct stamp_order order;
    struct stamp_arrivals arrivals;
    uint64_t alone;   /* the last probe that was sent while none before it was waited for */
    uint64_t settled; /* such a one that arrived: earlier ones that had not are lost, or late */
    bool stateful, stateless; /* a reply has shown it */
    struct stamp_way ways[STAMP_DIRECTIONS];
};

/* Probe seq is sent, and no probe before it is waited for: all are answered, lost or overdue. */
void stamp_flow_send_alone(struct stamp_flow *f, uint64_t seq);

/*
 * A reply to probe seq of the ledger, which has just counted it as `reply`, and what the reflector
 * tells in it. LEDGER_UNKNOWN is ignored.
 */
void stamp_flow_add(struct stamp_flow *f, uint64_t seq, enum ledger_reply reply,
                    const struct stamp_numbers *numbers, const struct stamp_times *times);

/*
 * The ways count packets: of the reverse one what the reflector sent, replies to duplicates
 * included, of the forward one what is certain: `lost` probes did not arrive, `duplicated` times
 * one arrived again. All up to the last number of the reflector that came back, without replies to
 * probes that are still on their way.
 *
 * By a record, all are exact but for what lost_somewhere counts: what was sent after the newest
 * probe that arrived; where requests arrived out of order, what may have arrived after the last
 * reply, unless a later probe was sent alone; and arrivals too far behind for the record.
 *
 * forward lost + reverse_lost_probes + lost_somewhere are the lost probes.
 */
struct stamp_result {
    struct stamp_way ways[STAMP_DIRECTIONS];
    uint64_t reverse_lost_probes;    /* that arrived, and whose replies were all lost */
    uint64_t lost_somewhere;         /* in an unknown direction */
    uint64_t lost_last;              /* of these: after the last reply */
    uint64_t lost_restarting;        /* of these: while the reflector began to count again */
    uint64_t on_their_way;           /* earlier probes than the last that was answered */
    uint64_t forward_duplicated_max; /* more than `duplicated` only if a probe was reordered */
    enum stamp_record_state record;
    bool answered;       /* a reply has come */
    bool stateful;       /* the reflector has numbers of its own, as one differed from ours */
    bool stateless;      /* it says that it has none: no direction is known */
    bool reordered;      /* probes arrived out of order, and so more is unknown */
    bool counts_another; /* its numbers count more than probes of ours: they tell no direction */
};

/* received: probes that were answered; lost: those that were not. */
void stamp_flow_result(const struct stamp_flow *f, const struct ledger *ledger,
                       struct stamp_result *ret);

/* "forward", "reverse". */
const char *stamp_direction_name(enum stamp_direction direction);

/* "none", "used", "partial", "replaced", "contradictory". */
const char *stamp_record_name(enum stamp_record_state state);

/* Why a record was not used, or NULL where that needs no note: it was, or there is none. */
const char *stamp_record_refusal(enum stamp_record_state state);

#endif
