/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a set, for the worker that serves them.
 *
 * Ownership, Threads: as dtls_set.h, then the worker's.
 */
#ifndef TLSECHO_DTLS_SET_INTERNAL_H
#define TLSECHO_DTLS_SET_INTERNAL_H

#include "tlsecho/net/datagram.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/dtls_set.h"

struct worker_dtls;

/* It stays while its associations do, whatever the set: they point to it. */
struct dtls_socket {
    struct reactor_source source;
    struct datagram_socket *datagrams;
    int fd; /* that the set was made from; only to compare */
    const struct listener *listener;
    uint16_t port;
    unsigned slot; /* of the metrics */
    struct worker_dtls *owner;
    size_t last_batch;      /* how many datagrams were received at once */
    uint32_t drops_counted; /* of datagrams->kernel_drops, in the metrics */
};

struct dtls_set {
    uint16_t *ports; /* of all listeners of datagrams of the process */
    size_t port_count;
    size_t count;
    struct dtls_socket *sockets[]; /* NULL = moved to another set */
};

void dtls_socket_free(struct dtls_socket *socket);

#endif
