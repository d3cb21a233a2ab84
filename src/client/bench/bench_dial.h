/* SPDX-License-Identifier: MIT */
/*
 * From the first SYN until the connection is up: each address of the target in turn, then the PROXY
 * header and TLS.
 *
 * Ownership: nothing is kept.   Threads: the connection's.
 */
#ifndef TLSECHO_BENCH_DIAL_H
#define TLSECHO_BENCH_DIAL_H

#include "bench_state.h"
#include "tlsecho/client/session.h"

/* How long TCP and TLS of an open session took; 0 if there is none. */
uint64_t bench_dial_session_ns(const struct session *session);

/* Begins to connect. If the backlog of a Unix socket is full, the connection stays BENCH_CLOSED. */
enum bench_step bench_dial_begin(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

/* Goes on while BENCH_CONNECTING or BENCH_HANDSHAKING. BENCH_DONE: the connection is up. */
enum bench_step bench_dial_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

/* Instead of both: uses an open session, which stays its owner's. */
void bench_dial_take_over(struct bench_conn *c, const struct session *session);

/* Why it is not up in time. Always returns -1. */
int bench_dial_expire(const struct bench_conn *c, struct error *err);

#endif
