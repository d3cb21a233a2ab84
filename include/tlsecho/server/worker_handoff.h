/* SPDX-License-Identifier: MIT */
/*
 * An accepted connection on its way from the acceptor to a worker.
 *
 * Ownership: a value; its descriptor, its pass, its PROXY header and one reference of its
 * listener's snapshot go to the worker with it.   Threads: one at a time.
 */
#ifndef TLSECHO_WORKER_HANDOFF_H
#define TLSECHO_WORKER_HANDOFF_H

#include "tlsecho/net/address.h"
#include "tlsecho/server/admission.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/proxied.h"

enum { WORKER_HANDOFFS_MAX = 16 }; /* at once */

struct handoff {
    const struct listener *listener;
    struct admission_pass pass;
    uint64_t id;
    struct proxied *proxied; /* NULL unless the worker reads a PROXY header; the worker's */
    int fd;
    unsigned slot;         /* of the metrics */
    struct address source; /* the peer, or the source in its PROXY header */
};

#endif
