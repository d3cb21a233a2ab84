/* SPDX-License-Identifier: MIT */
/*
 * The one thread that accepts: it owns every listening socket, lets in whom admission grants
 * it, and hands each connection to the worker that has the fewest.
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

/* What it accepts from, and for. */
struct acceptor_plan {
    const struct config_snapshot *snapshot; /* until it is replaced */
    struct listen_set listen_set;           /* likewise */
    struct admission *admission;
    struct worker *const *workers;
    unsigned worker_count;
};

/* Starts the thread, all signals blocked in it. What the plan points to must outlive the acceptor.
 * ERROR_SYSTEM. */
int acceptor_new(const struct acceptor_plan *plan, struct acceptor **ret, struct error *err);

/*
 * Goes on with these settings and sockets. What waits at a socket that is not among them is
 * accepted first. Afterwards the former ones are no longer in use.
 */
void acceptor_replace(struct acceptor *acceptor, const struct config_snapshot *snapshot,
                      const struct listen_set *listen_set);

/* Its loop's, to ask its heartbeat. */
struct reactor *acceptor_reactor(struct acceptor *acceptor);

/* Accepts what is waiting, ends the thread and frees it. */
void acceptor_stop(struct acceptor *acceptor);

#endif
