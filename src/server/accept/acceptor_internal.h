/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the acceptor share: acceptor.c (its thread, or its host's; replacement, stop),
 * acceptor_accept.c (accepts, admits and hands over).
 *
 * Ownership: acceptor_new's.   Threads: its own or its host's, except where it says otherwise.
 */
#ifndef TLSECHO_ACCEPTOR_INTERNAL_H
#define TLSECHO_ACCEPTOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "reserve_fd.h"
#include "tlsecho/server/acceptor.h"
#include "tlsecho/server/reject_log.h"

/* Connections on their way to one worker. */
struct outgoing {
    struct handoff handoffs[WORKER_HANDOFFS_MAX];
    size_t count;
};

struct acceptor {
    const struct config_snapshot *snapshot;
    struct listen_set listen_set;
    struct admission *admission;
    struct reject_log reject_log; /* not logged yet */
    struct reserve_fd reserve;
    int reserve_fd;                     /* descriptors from this number on are reserved */
    int highest_fd;                     /* of a connection so far */
    struct rate_limited_count failures; /* of accept(2), with the last error */
    struct error failure;
    struct worker *const *workers;
    unsigned worker_count;
    struct outgoing *outgoing; /* one per worker */
    struct reactor *reactor;   /* its own, or of its host */
    struct worker *host;       /* whose thread it runs in; NULL = it has a thread of its own */
    struct worker_guest guest; /* of the host */
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* guards the two `next` */
    pthread_cond_t replaced;
    const struct config_snapshot *next_snapshot; /* NULL = no replacement is pending */
    struct listen_set next_listen_set;
    unsigned alone;     /* so many wake-ups more accept one connection only */
    bool stuck;         /* no queue had room in time: do not wait again until one has */
    uint64_t resume_us; /* paused until then; UINT64_MAX = not paused */
};

/* Makes its sockets' events accept connections. */
void acceptor_attach(struct acceptor *a);

void acceptor_set_interest(struct acceptor *a, unsigned what);

/* Connections that the kernel has established are served: closing the socket would reset them. */
void acceptor_accept_waiting(struct acceptor *a);

/* At most one line a second for each reason. */
void acceptor_flush_log(struct acceptor *a, uint64_t now_us);

/* When there is something to do without a new connection. */
uint64_t acceptor_due_us(const struct acceptor *a);

/* Does it. */
void acceptor_follow(struct acceptor *a);

#endif
