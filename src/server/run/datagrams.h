/* SPDX-License-Identifier: MIT */
/*
 * Which worker serves which udp:// and dtls:// socket. A socket stays with its worker for as long
 * as it is open, so that no datagram is received by two.
 *
 * Ownership: the sets are the caller's until they are served.   Threads: the main one.
 */
#ifndef TLSECHO_DATAGRAMS_H
#define TLSECHO_DATAGRAMS_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/admission.h"
#include "tlsecho/server/listen_set.h"
#include "tlsecho/server/worker.h"

struct datagrams {
    struct worker *const *workers;
    unsigned worker_count;
    struct admission *admission;
    struct stamp_sessions *stamp;     /* of all workers */
    struct datagram_server **servers; /* one per worker; NULL = it never had a udp:// socket */
    bool serving;                     /* there are sockets */
};

/* One for each worker. */
struct datagrams_plan {
    struct worker_datagrams *workers;
};

/* Once the workers run. ERROR_SYSTEM (memory). */
int datagrams_init(struct datagrams *datagrams, struct error *err);

/* After the workers have ended. */
void datagrams_done(struct datagrams *datagrams);

/* Spreads the sockets over the workers, and makes all that can fail. ERROR_SYSTEM. */
int datagrams_prepare(struct datagrams *datagrams, struct listen_set *listen_set,
                      struct datagrams_plan *ret, struct error *err);

/* Serves them, with the slots that they have by now, instead of those before; frees the plan. */
void datagrams_serve(struct datagrams *datagrams, const struct listen_set *listen_set,
                     struct datagrams_plan *plan);

/* Answers what waits, and uses no udp:// socket any more; associations of DTLS drain with the
 * connections. */
void datagrams_stop(struct datagrams *datagrams);

#endif
