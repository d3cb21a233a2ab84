/* SPDX-License-Identifier: MIT */
/*
 * A connection in its worker's loop: events, time-outs, counters, log.
 *
 * Ownership: the worker's.   Threads: the worker's.
 */
#ifndef TLSECHO_WORKER_CONN_H
#define TLSECHO_WORKER_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "association.h"
#include "deadline.h"
#include "generation.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/worker_handoff.h"
#include "worker_group_internal.h"

/* The fields used for each message come first, to touch few cache lines. */
struct worker_conn {
    struct reactor_source source;
    struct conn conn;
    struct deadline timeout;
    struct worker_loop *loop;
    struct generation *generation;
    struct association *association;         /* NULL = a stream */
    uint64_t last_activity_us;               /* time of the last byte */
    size_t unacknowledged_bytes;             /* when `timeout` was set; SIZE_MAX = unknown */
    uint64_t counted_received, counted_sent; /* bytes, in the loop's metrics */
    bool counted_handshake;
    bool runnable;           /* in the list `runnable` */
    bool in_handshake;       /* in the list `handshakes` */
    enum conn_timeout armed; /* the class of `timeout`; CONN_TIMEOUTS = none yet */
    struct handoff origin;
    struct syn *syn; /* the client's, for a service that wants_info; NULL = unknown */
    uint64_t start_us;
    uint64_t hello_number; /* of all handshakes, in order of their start */
    struct deadline lifetime;
    TAILQ_ENTRY(worker_conn) in_all, in_runnable, in_handshakes;
};

TAILQ_HEAD(worker_conn_list, worker_conn);

/* The worker's loop, as its connections see it. */
struct worker_loop {
    struct reactor *reactor;
    struct tls_scratch *scratch;
    struct metrics_shard *metrics;
    struct generation *newest;
    struct worker_group *group;
    unsigned member; /* of the group */
    struct worker_conn_list all, runnable, handshakes;
    struct association_table associations;
    struct worker_conn *next_listed; /* the next for event=live; NULL = no list is under way */
    uint64_t listed_until_us;        /* later connections are not listed */
    uint64_t log_flush_us;           /* when conn_log_flush is due */
    uint64_t now_us;                 /* 0 = read the clock again */
    atomic_uint load;
    unsigned peak_load; /* since memory was last returned to the system */
};

/* The time of this turn, clock_now_us. */
static inline uint64_t worker_loop_now_us(struct worker_loop *loop)
{
    if (loop->now_us == 0)
        loop->now_us = clock_now_us();
    return loop->now_us;
}

/* Takes over a connection: its descriptor, its pass and its reference to the snapshot. It runs in
 * this turn or the next one. */
void worker_conn_start(struct worker_loop *loop, const struct handoff *origin);

/* Takes over an association with its transport, which owns its session, and likewise. */
void worker_conn_start_association(struct worker_loop *loop, const struct handoff *origin,
                                   struct association *association, struct transport *transport);

/* Does what can be done now. False: it is over, and freed. */
bool worker_conn_run(struct worker_conn *s);

/* Its time-out has passed: worker_conn_run follows, unless the peer has acknowledged bytes. */
void worker_conn_expire(struct worker_conn *s);

/* Closes it once it is quiet. */
void worker_conn_drain(struct worker_conn *s);

/* The local address; length 0 = unknown. */
void worker_conn_own_address(const struct worker_conn *s, struct address *ret);

/* Closes and frees it now; one with a descriptor not while the reactor calls sources. */
void worker_conn_abort(struct worker_conn *s, enum conn_end reason);

/* After each run of one with an association, which runs again when a datagram has arrived for it,
 * or a flight is due. */
void worker_association_follow(struct worker_conn *s);

/* At its end, when its transport is gone. */
void worker_association_drop(struct worker_conn *s);

/* After each run of a connection that is not established or is in `handshakes`: adds it to that
 * list or removes it. */
void worker_handshake_follow(struct worker_conn *s);
void worker_handshake_over(struct worker_conn *s);

/* If a PROXY header is expected from the peer, it is read first, and then admission decides. */
void worker_conn_expect_proxy(struct worker_conn *s);

/* Closes the oldest unfinished handshakes while there are more than limits.handshakes, or requests
 * it of the worker that has the oldest. Not while the reactor calls sources. */
void worker_loop_trim_handshakes(struct worker_loop *loop);

/* Takes the client's SYN from the kernel, which keeps a copy until then. */
void worker_info_take_syn(struct worker_conn *s);

/* What is known of it, for a service that reports it. Never fails: what cannot be found stays
 * unknown. */
void worker_info_gather(const struct worker_conn *s, struct conn_info *ret);

#endif
