/* SPDX-License-Identifier: MIT */
/*
 * The book of a ping: which probes are on their way, and what became of the others. All probes of a
 * connection come back in their order, so that the number of bytes received says which have.
 *
 * A reply is late if it was whole only after the time-out; a probe is lost if it never was. The
 * first reply of a connection is apart: it is no round trip like the others, since the server may
 * only now begin to serve.
 *
 * Ownership: probes own their memory.   Threads: one at a time.
 */
#ifndef TLSECHO_PROBES_H
#define TLSECHO_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/histogram.h"

enum { PROBES_MAX = 1 << 16 }; /* on their way at once */

struct probe {
    uint64_t seq;         /* 1, 2, ... over all connections */
    uint64_t sent_us;     /* clock_now_us */
    uint64_t start_bytes; /* where it begins in the stream of its connection */
    uint64_t end_bytes;   /* when so many bytes have come back, its reply is whole */
    bool overdue;         /* its time is over */
    bool first;           /* of its connection */
    uint64_t time_us;     /* from sent to whole; of replies */
};

struct probes {
    uint64_t timeout_us; /* UINT64_MAX = none */
    struct probe *ring;  /* on their way: `count` of `size`, a power of two, from `start` */
    size_t size, start, count;
    uint64_t sent, received; /* received: whole, in time or late */
    uint64_t late, lost;
    struct histogram *round_trips;   /* of replies, but the first of each connection */
    struct histogram *first_replies; /* of those */
};

/* ERROR_SYSTEM (memory). */
int probes_init(struct probes *p, uint64_t timeout_us, struct error *err);
void probes_done(struct probes *p);

/* A probe of that many bytes goes on its way, at start_bytes of its connection's stream; not when
 * PROBES_MAX are. ERROR_SYSTEM (memory). */
int probes_send(struct probes *p, uint64_t start_bytes, uint64_t size_bytes, uint64_t now_us,
                struct error *err);

/* A probe that never got so far: there was no connection for it. Returns its seq. */
uint64_t probes_fail(struct probes *p);

/* So many bytes have come back on the connection. True if one more reply is whole: it is *ret, and
 * has been counted. */
bool probes_receive(struct probes *p, uint64_t received_bytes, uint64_t now_us, struct probe *ret);

/* True if the time of one more probe is over: it is *ret, and still on its way. */
bool probes_expire(struct probes *p, uint64_t now_us, struct probe *ret);

/* When that will be next; UINT64_MAX = never. */
uint64_t probes_due_us(const struct probes *p);

/* The oldest on its way; NULL = none is. */
const struct probe *probes_oldest(const struct probes *p);

/* How many of those on their way are overdue. */
size_t probes_overdue(const struct probes *p);

/* Nothing comes back any more: those on their way are lost. Without `all`, those alone whose time
 * is over; the others stay what they are. True if one more is lost: it is *ret, and has been
 * counted. */
bool probes_lose(struct probes *p, bool all, struct probe *ret);

/* How long replies took: the round trips or, if no connection had more than one reply, the first
 * replies. */
const struct histogram *probes_latency(const struct probes *p);

/* The share of late, overdue and lost probes in those whose time is over or whose reply came. */
double probes_percent_lost(const struct probes *p);

#endif
