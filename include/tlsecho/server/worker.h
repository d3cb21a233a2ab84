/* SPDX-License-Identifier: MIT */
/*
 * A thread that serves connections, with its own event loop, time-outs and buffers; nothing on the
 * data path is shared with other workers.
 *
 * Ownership: a worker owns the sockets handed to it.   Threads: said at each function.
 */
#ifndef TLSECHO_WORKER_H
#define TLSECHO_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/datagram_server.h"
#include "tlsecho/server/dtls_set.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/worker_group.h"
#include "tlsecho/server/worker_handoff.h"

struct worker;

enum worker_order {
    WORKER_SERVE,
    WORKER_DRAIN,  /* close connections once they are quiet; then the thread ends */
    WORKER_FINISH, /* close every connection in order, now */
    WORKER_STOP,   /* close them at once */
};

/* Starts the thread, with all signals blocked. It wakes owner, which must outlive the worker, when
 * it ends. ERROR_SYSTEM. */
int worker_new(struct reactor *owner, struct worker_group *group, struct worker **ret,
               struct error *err);

/*
 * Acceptor: hands up to WORKER_HANDOFFS_MAX connections over, each with a config_snapshot_ref of
 * its listener's. False, and none of them: its queue is full. Never waits.
 */
bool worker_hand_over(struct worker *worker, const struct handoff *handoffs, size_t count);

/* Its own thread: starts a connection, likewise. */
void worker_start(struct worker *worker, const struct handoff *handoff);

/* Acceptor: waits until the queue of one worker in its group has room; false: time-out. */
bool worker_wait_for_room(struct worker *worker, int timeout_ms);

/* Its connections, including those in its queue. Any thread. */
unsigned worker_load(const struct worker *worker);

/* Its counters, valid as long as the worker. Any thread. */
const struct metrics_shard *worker_metrics(const struct worker *worker);

/* Sets its order, which may only increase. After WORKER_DRAIN nothing may be handed over. Any
 * thread. */
void worker_order(struct worker *worker, enum worker_order order);

/* The datagrams that a worker serves. */
struct worker_datagrams {
    struct datagram_server *server; /* of this worker's place: the same each time, it must outlive
                                       the worker; NULL = it never had any */
    struct datagram_set *set;       /* udp://; NULL = none */
    struct dtls_set *dtls;          /* dtls://; NULL = none */
    bool keep_dtls;                 /* dtls is NULL, and the sockets before stay */
};

/*
 * Serves these sockets from now on. Takes the sets over. Returns once the worker uses no socket of
 * the sets before. Not after an order. Threads: the main one.
 */
void worker_serve_datagrams(struct worker *worker, struct worker_datagrams *next);

/* Something else that runs in its thread: the acceptor of a single worker. */
struct worker_guest {
    void (*run)(struct worker_guest *guest); /* after a turn in which it is due */
    uint64_t due_us;                         /* UINT64_MAX = never. Its own thread sets it. */
};

/* Its own thread: takes a guest in, or sends it away with NULL. */
void worker_host(struct worker *worker, struct worker_guest *guest);

/* Calls function in its thread, between two turns, and returns after that. Not after an order.
 * Threads: the main one. */
void worker_call(struct worker *worker, void (*function)(struct worker *worker, void *argument),
                 void *argument);

/* What a datagram_server for it needs; admission is NULL. Any thread. */
struct datagram_place worker_datagram_place(struct worker *worker);

/*
 * Makes it log one line (event=live) per connection, some in each turn and only as fast as the log
 * is written, so that connections do not wait and lines are not dropped. Any thread.
 */
void worker_list(struct worker *worker);

/* Whether its thread has ended: after an order, once it has no connections. Any thread. */
bool worker_ended(const struct worker *worker);

/* Of its loop, for the heartbeat. Any thread. */
struct reactor *worker_reactor(struct worker *worker);

/* Waits until its thread has ended, and frees it. */
void worker_join(struct worker *worker);

#endif
