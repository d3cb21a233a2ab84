/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection: the order of its states, its time-outs and failures. Nothing here
 * waits.
 *
 * Ownership: the thread has the connection.   Threads: the connection's.
 */
#ifndef TLSECHO_BENCH_CONN_H
#define TLSECHO_BENCH_CONN_H

#include "bench_state.h"

/* Begins to connect. */
void bench_conn_open(struct bench_conn *c);

/* The load has started: the connection may send. */
void bench_conn_start(struct bench_conn *c);

/* Sends what may be sent now. */
void bench_conn_send(struct bench_conn *c, uint64_t now_ns);

/* Checks the time-outs; opens the connection if it is closed. */
void bench_conn_sweep(struct bench_conn *c, uint64_t now_ns);

/* Nothing new is to be sent: ends the connection, unless replies are outstanding. */
void bench_conn_finish(struct bench_conn *c);

/* Ends it in order. */
void bench_conn_end(struct bench_conn *c);

/* Closes it with RST, and counts nothing. */
void bench_conn_drop(struct bench_conn *c);

#endif
