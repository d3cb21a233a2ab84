/* SPDX-License-Identifier: MIT */
/*
 * The one thread that accepts: it owns every listening socket, applies the limits, and hands each
 * connection to the worker that has the fewest.
 *
 * Ownership: the listening sockets stay the caller's, and must outlive it.   Threads: the caller's.
 */
#ifndef TLSECHO_ACCEPTOR_H
#define TLSECHO_ACCEPTOR_H

#include "tlsecho/error.h"
#include "tlsecho/listening.h"
#include "tlsecho/worker.h"

struct acceptor;

/* Starts the thread, all signals blocked in it. ERROR_SYSTEM. */
int acceptor_new(const struct settings *settings, struct listening *listening,
                 struct worker *const *workers, unsigned worker_count, struct acceptor **ret,
                 struct error *err);

/* Accepts what is waiting, ends the thread and frees it. */
void acceptor_stop(struct acceptor *acceptor);

#endif
