/* SPDX-License-Identifier: MIT */
/*
 * A datagram server without sockets, and what it needs of a worker. Whatever fails, fails the test.
 *
 * Ownership: datagram_fixture_done.   Threads: one.
 */
#ifndef TLSECHO_DATAGRAM_FIXTURE_H
#define TLSECHO_DATAGRAM_FIXTURE_H

#include "tlsecho/server/datagram_server.h"

struct datagram_fixture {
    struct reactor *reactor;
    struct metrics_shard *metrics;
    struct admission *admission;
    struct stamp_sessions *stamp;
    struct datagram_server *server;
};

void datagram_fixture_init(struct datagram_fixture *ret);

/* Zeros are allowed, and are left. */
void datagram_fixture_done(struct datagram_fixture *fixture);

#endif
