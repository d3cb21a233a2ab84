/* SPDX-License-Identifier: MIT */
/*
 * The probes of a ping: their ledger, and how long replies took. The first reply of a connection is
 * apart: it is no round trip like the others, since the server may only now begin to serve.
 *
 * Ownership: probes own their memory.   Threads: one at a time.
 */
#ifndef TLSECHO_PROBES_H
#define TLSECHO_PROBES_H

#include "tlsecho/base/error.h"
#include "tlsecho/base/histogram.h"
#include "tlsecho/client/ledger.h"

struct probes {
    struct ledger ledger;
    struct histogram *round_trips;   /* of all replies but the first of each connection */
    struct histogram *first_replies; /* of the first of each connection */
};

/* As ledger_init. */
int probes_init(struct probes *p, uint64_t timeout_ns, size_t max, struct error *err);
void probes_done(struct probes *p);

/* As ledger_receive; the time of the first reply to a probe is recorded. */
enum ledger_reply probes_receive(struct probes *p, uint64_t seq, uint64_t now_ns,
                                 struct probe *ret);

/* How long replies took: the round trips or, if no connection had more than one reply, the first
 * replies. */
const struct histogram *probes_latency(const struct probes *p);

/* The share of late, overdue and lost probes in those whose time is over or whose reply came. */
double probes_percent_lost(const struct probes *p);

#endif
