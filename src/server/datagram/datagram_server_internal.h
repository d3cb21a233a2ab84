/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a worker, and what it serves them with.
 *
 * Ownership: a set owns its listeners, a server its set.   Threads: as datagram_server.h.
 */
#ifndef TLSECHO_DATAGRAM_SERVER_INTERNAL_H
#define TLSECHO_DATAGRAM_SERVER_INTERNAL_H

#include "datagram_log.h"
#include "datagram_loops.h"
#include "tlsecho/base/rate_limited_count.h"
#include "tlsecho/net/datagram.h"
#include "tlsecho/server/datagram_server.h"

/* From one buffer to the next. At a distance of a power of two, or nearly so, they would share a
 * few lines of the processor's caches. */
enum { DATAGRAM_BUFFER_BYTES = DATAGRAM_BYTES_MAX + 1 + 3 * 64 };

/* One socket. */
struct datagram_listener {
    struct reactor_source source;
    struct datagram_socket *socket;
    const struct listener *listener;
    uint16_t port;
    unsigned slot;     /* of the metrics */
    size_t last_batch; /* how many were received last time */
    struct datagram_server *server;
    uint32_t drops_counted; /* of socket->kernel_drops, in the metrics */
};

enum { DATAGRAM_PAUSE_US = 100 * 1000 };

struct datagram_set {
    uint16_t *ports; /* of all udp:// listeners of the process */
    size_t port_count;
    size_t count;
    struct datagram_listener listeners[];
};

struct datagram_server {
    struct datagram_place place;
    struct datagram_set *set; /* NULL = none */
    struct datagram items[DATAGRAM_BATCH];
    struct datagram_traffic *answered[DATAGRAM_BATCH]; /* of the items */
    unsigned char *buffers;                            /* as many, of DATAGRAM_BUFFER_BYTES */
    struct datagram_loops *loops;
    struct datagram_log log;
    struct rate_limited_count loops_found, failures; /* not logged yet, with the last of each: */
    struct address loop_source;
    const struct listener *loop_listener, *failed_listener;
    struct error failure;
    uint64_t resume_us; /* after a failure nothing is received for DATAGRAM_PAUSE_US, until then;
                           UINT64_MAX = it is */
};

/* Receives one batch and answers it. False: nothing more is waiting. */
bool datagram_server_serve(struct datagram_listener *listener);

#endif
