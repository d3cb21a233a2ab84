/* SPDX-License-Identifier: MIT */
/*
 * What the files of a load over datagrams share: bench_datagram_open.c (the socket, and a DTLS
 * handshake), bench_datagram.c (the messages).
 *
 * Ownership: as bench_datagram.h.   Threads: that of the connection.
 */
#ifndef TLSECHO_BENCH_DATAGRAM_INTERNAL_H
#define TLSECHO_BENCH_DATAGRAM_INTERNAL_H

#include "bench_state.h"
#include "tlsecho/client/datagram_payload.h"
#include "tlsecho/client/ledger.h"
#include "tlsecho/client/result.h"
#include "tlsecho/net/datagram.h"

struct bench_datagrams {
    struct datagram_socket *socket;
    struct ledger ledger; /* message k of the connection is number k + 1 */
    struct datagram_payload payload;
    bool blocked; /* there was no room in the socket */
};

/* As struct bench_carrier's open and opening. */
enum bench_step bench_datagram_begin(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);
enum bench_step bench_datagram_shake_hands(struct bench_conn *c, unsigned *ret_want,
                                           struct outcome *ret);

/* A message, or a flight, was answered by this error, or could not be sent because of it. */
void bench_datagram_judge(const struct bench_conn *c, const struct datagram_error *error,
                          struct outcome *ret);

#endif
