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

/* Starts the thread, all signals blocked in it. settings must stay until they are replaced.
 * ERROR_SYSTEM. */
int acceptor_new(const struct config_snapshot *snapshot, const struct listen_set *listen_set,
                 struct admission *admission, struct worker *const *workers, unsigned worker_count,
                 struct acceptor **ret, struct error *err);

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
