/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection: the order of its states, its time-outs, its failures. Nothing waits.
 *
 * Ownership: the thread has the connection.   Threads: the connection's.
 */
#ifndef TLSECHO_BENCH_CONN_H
#define TLSECHO_BENCH_CONN_H

#include "bench_state.h"

/* Begins to connect. */
void bench_conn_open(struct bench_conn *c);

/* The load has started: it may send. */
void bench_conn_start(struct bench_conn *c);

/* Sends what may be sent now. */
void bench_conn_send(struct bench_conn *c, uint64_t now_ns);

/* Checks its time-outs; opens it if it is closed. */
void bench_conn_sweep(struct bench_conn *c, uint64_t now_ns);

/* Nothing new is to be sent: ends it, unless bytes or answers are still on their way. */
void bench_conn_finish(struct bench_conn *c);

/* Ends it in order. */
void bench_conn_end(struct bench_conn *c);

/* Closes it with RST, and counts nothing. */
void bench_conn_drop(struct bench_conn *c);

#endif
