/* SPDX-License-Identifier: MIT */
/*
 * The messages of a connection that is up. Nothing here opens or closes it.
 *
 * Ownership: nothing is kept.   Threads: the connection's.
 */
#ifndef TLSECHO_BENCH_TRAFFIC_H
#define TLSECHO_BENCH_TRAFFIC_H

#include "bench_state.h"

/* For a server that does not echo. */
#define BENCH_WITHOUT_ECHO    "add --expect none to compare nothing, or --handshakes to only connect"
#define BENCH_IF_WITHOUT_ECHO "if it is not an echo server, " BENCH_WITHOUT_ECHO

/* When message number k of a connection is, or was, due; open loop only. */
uint64_t bench_traffic_due_ns(const struct bench_thread *t, uint32_t number, uint64_t k);

/* Receives before the load starts; where nothing is ever sent, what comes is left in the kernel. */
enum bench_step bench_traffic_wait(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

/* Sends what may be sent now; never BENCH_FAILED. */
enum bench_step bench_traffic_start(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want);

/* Receives, compares, sends. */
enum bench_step bench_traffic_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

/* Sends what may be sent now, even if nothing may. Returns what to wait for. */
unsigned bench_traffic_send(struct bench_conn *c, uint64_t now_ns);

/* Bytes are to be sent, or an answer is to come. */
bool bench_traffic_is_busy(const struct bench_conn *c);

/* Nothing more is to be sent or received. */
bool bench_traffic_is_done(const struct bench_conn *c);

/* Something was sent that should come back, and nothing at all did. */
bool bench_traffic_lacks_echo(const struct bench_conn *c);

#endif
