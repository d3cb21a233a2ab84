/* SPDX-License-Identifier: MIT */
/*
 * Polls every listening socket, asks admission about each connection, and hands it to the worker
 * with the fewest, in a thread of its own. A single worker accepts in its own thread, and starts
 * connections without a hand-over.
 *
 * Ownership: the listening sockets stay the caller's, and must outlive it, as must admission.
 * Threads: the caller's.
 */
#ifndef TLSECHO_ACCEPTOR_H
#define TLSECHO_ACCEPTOR_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/admission.h"
#include "tlsecho/server/listen_set.h"
#include "tlsecho/server/worker.h"

struct acceptor;

/* What it needs. */
struct acceptor_plan {
    const struct config_snapshot *snapshot; /* until it is replaced */
    struct listen_set listen_set;           /* likewise */
    struct admission *admission;
    struct worker *const *workers;
    unsigned worker_count;
};

/* Starts to accept; the thread has all signals blocked. What the plan points to must outlive the
 * acceptor. ERROR_SYSTEM. */
int acceptor_new(const struct acceptor_plan *plan, struct acceptor **ret, struct error *err);

/*
 * Switches to this snapshot and these sockets, after it has accepted what waits in the backlogs of
 * the old ones. On return the old ones are no longer in use.
 */
void acceptor_replace(struct acceptor *acceptor, const struct config_snapshot *snapshot,
                      const struct listen_set *listen_set);

/* Of its own loop, for the heartbeat; NULL = it runs in that of the worker. */
struct reactor *acceptor_reactor(struct acceptor *acceptor);

/* Accepts what waits in the backlogs, ends its thread if it has one, and frees it. Before any
 * worker is given an order. */
void acceptor_stop(struct acceptor *acceptor);

#endif
