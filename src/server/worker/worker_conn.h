/* SPDX-License-Identifier: MIT */
/*
 * A connection as its worker runs it: its place in the loop, its time-outs, its line in the log.
 *
 * Ownership: the worker's.   Threads: the worker's.
 */
#ifndef TLSECHO_WORKER_CONN_H
#define TLSECHO_WORKER_CONN_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "deadline.h"
#include "generation.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/conn.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/worker_handoff.h"
#include "worker_group_internal.h"

/* What each message needs comes first: with many connections every line of cache counts. */
struct worker_conn {
    struct reactor_source source;
    struct conn conn;
    struct deadline timeout;
    struct worker_loop *loop;
    struct generation *generation;
    uint64_t last_activity_us;               /* when a byte moved last */
    size_t unacknowledged_bytes;             /* when `timeout` was set; SIZE_MAX = not counted */
    uint64_t counted_received, counted_sent; /* bytes, in the loop's metrics */
    bool counted_handshake;
    bool runnable;           /* it is in the `again` list */
    bool in_handshake;       /* it is in the `handshakes` list */
    enum conn_timeout armed; /* the class that `timeout` is set for; CONN_TIMEOUTS = none yet */
    struct handoff origin;
    uint64_t start_us;
    uint64_t hello_number; /* of all handshakes, in the order of their beginning */
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
    struct worker_conn *unlisted; /* the next to be listed; NULL = none is */
    uint64_t listed_until_us;     /* those that started later are not */
    uint64_t log_tell_us;         /* when conn_log_tell is due */
    uint64_t now_us;              /* 0 = ask the clock again */
    atomic_uint load;
    unsigned peak_load; /* since memory was given back to the system last */
};

void worker_loop_init(struct worker_loop *loop);

/* After the last connection has ended. */
void worker_loop_done(struct worker_loop *loop);

/* The time of this turn, clock_now_us. */
uint64_t worker_loop_now_us(struct worker_loop *loop);

/* Takes over a connection, its descriptor and its count of the settings. */
void worker_conn_start(struct worker_loop *loop, const struct handoff *origin);

/* Ends it now; it is gone afterwards. Not while the reactor calls sources. */
void worker_conn_abort(struct worker_conn *s, enum conn_end reason);

/* After each run of one that is not established, or is in the list of handshakes: enters or leaves
 * that. */
void worker_handshake_follow(struct worker_conn *s);
void worker_handshake_over(struct worker_conn *s);

/* Ends unfinished handshakes while there are more than limits.handshakes and the oldest is here;
 * another worker that has it is told. Not while the reactor calls sources. */
void worker_loop_trim_handshakes(struct worker_loop *loop);

/* Where a PROXY header is expected from the peer: it comes first, and then admission. */
void worker_conn_expect_proxy(struct worker_conn *s);

/* Runs those that had more to do than one turn allows. */
void worker_loop_run_runnable(struct worker_loop *loop);

/* Ends or moves on those whose time is over. */
void worker_loop_expire(struct worker_loop *loop);

/* Starts to list every connection that there is now, unless that is under way. */
void worker_loop_list(struct worker_loop *loop);

/* Lists some of those that are to be, if the log has room. */
void worker_loop_list_some(struct worker_loop *loop);

/* Whether there is something to do at once. */
bool worker_loop_is_busy(const struct worker_loop *loop);

/* When worker_loop_expire or worker_loop_list_some will have something to do; UINT64_MAX = never.
 */
uint64_t worker_loop_due_us(struct worker_loop *loop);

/* Every connection: ends as soon as it is quiet; ends in order, now; ends at once. */
void worker_loop_drain(struct worker_loop *loop);
void worker_loop_finish(struct worker_loop *loop);
void worker_loop_stop(struct worker_loop *loop);

/* What is known of it, for a service that tells it. Never fails: what cannot be found out stays
 * unknown. */
void worker_info_gather(const struct worker_conn *s, struct conn_info *ret);

#endif
