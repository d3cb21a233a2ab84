/* SPDX-License-Identifier: MIT */
/*
 * What the files of worker_dtls share: worker_dtls.c (sockets, what they receive), _dispatch.c
 * (datagrams and associations).
 *
 * Ownership, Threads: as worker_dtls.h.
 */
#ifndef TLSECHO_WORKER_DTLS_INTERNAL_H
#define TLSECHO_WORKER_DTLS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "dtls_set_internal.h"
#include "tlsecho/base/rate_limited_count.h"
#include "tlsecho/net/datagram_outbox.h"
#include "tlsecho/server/datagram_drop.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/reject_log.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "worker_conn.h"
#include "worker_dtls.h"

struct worker_dtls {
    struct worker_loop *loop;
    struct dtls_cookies *cookies;
    struct dtls_set *set; /* NULL = none */
    bool draining;
    struct reject_log refused;          /* not logged yet, as are the next two */
    struct rate_limited_count failures; /* of receiving, with the last error */
    struct error failure;
    uint64_t resume_us;            /* nothing is received until then; UINT64_MAX = it is */
    struct datagram_outbox outbox; /* the answers to the batch that is served */
    unsigned char *buffers;
    struct datagram items[DATAGRAM_BATCH];
};

static inline struct metrics_listener *worker_dtls_counters(const struct dtls_socket *socket)
{
    return &socket->owner->loop->metrics->listeners[socket->slot];
}

/* Gives it to its association, answers it with a cookie, or begins an association. Returns why it
 * was dropped. */
enum datagram_drop worker_dtls_take(struct dtls_socket *socket, const struct datagram *d);

#endif
