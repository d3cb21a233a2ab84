/* SPDX-License-Identifier: MIT */
/*
 * What a worker serves of datagrams: its udp:// sockets, in the worker's loop. It answers what the
 * rules allow (datagram_rules.h, datagram_loops.h), and counts the rest by reason. Nothing is
 * allocated per datagram, and no state is kept per client beyond tables of a fixed size.
 *
 * Ownership: the sockets stay the caller's, and must outlive the set that names them.
 * Threads: said at each function.
 */
#ifndef TLSECHO_DATAGRAM_SERVER_H
#define TLSECHO_DATAGRAM_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/admission.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/metrics_shard.h"
#include "tlsecho/server/stamp_sessions.h"

struct datagram_server;
struct datagram_set;

/* The loop and counters of the worker that it is for, and what all workers share. */
struct datagram_place {
    struct reactor *reactor;
    struct metrics_shard *metrics;
    struct admission *admission;
    struct stamp_sessions *stamp;
};

/* Threads: the main one, all of these; the server is not used by its worker yet, or no longer.
 * ERROR_SYSTEM. */
int datagram_server_new(const struct datagram_place *place, struct datagram_server **ret,
                        struct error *err);
void datagram_server_free(struct datagram_server *server);

/* A bound socket, and the listener that it is for. */
struct datagram_binding {
    int fd;
    const struct listener *listener;
    uint16_t port;
};

/* The sockets of one worker. ports: of all udp:// listeners of the process, which never get an
 * answer; copied. Threads: the main one. ERROR_SYSTEM. */
int datagram_set_new(const struct datagram_binding bindings[], size_t count, const uint16_t ports[],
                     size_t port_count, struct datagram_set **ret, struct error *err);
void datagram_set_free(struct datagram_set *set);

/* Sets in which slot of the metrics a socket of it counts. */
void datagram_set_count(struct datagram_set *set, int fd, unsigned slot);

/*
 * Serves the sockets of that set from now on, which it takes over; NULL = none. What waits in a
 * socket that is no longer in it is answered first. Threads: the worker's, as below.
 */
void datagram_server_replace(struct datagram_server *server, struct datagram_set *set);

/* When datagram_server_expire is due; UINT64_MAX = never. */
uint64_t datagram_server_due_us(const struct datagram_server *server);

/* Writes the lines of the log that are due. */
void datagram_server_expire(struct datagram_server *server, uint64_t now_us);

#endif
