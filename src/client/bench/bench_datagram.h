/* SPDX-License-Identifier: MIT */
/*
 * Each message is a datagram, on a socket of its connection: open loop only, since a lost message
 * would stop a closed one.
 *
 * Ownership: bench_datagram_close frees what opening made.   Threads: that of the connection.
 */
#ifndef TLSECHO_BENCH_DATAGRAM_H
#define TLSECHO_BENCH_DATAGRAM_H

#include "bench_state.h"

extern const struct bench_carrier bench_datagram;

/* Closes the socket; nothing if it is not open. */
void bench_datagram_close(struct bench_conn *c);

#endif
