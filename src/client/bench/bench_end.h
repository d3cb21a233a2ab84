/* SPDX-License-Identifier: MIT */
/*
 * The end of a connection in order: close_notify and FIN, then whatever comes is dropped until the
 * server's FIN. The server ends last and so has the TIME_WAIT: at thousands of connections per
 * second this client would have no port left within seconds.
 *
 * Ownership: nothing is kept.   Threads: the connection's.
 */
#ifndef TLSECHO_BENCH_END_H
#define TLSECHO_BENCH_END_H

#include "bench_state.h"

/* BENCH_DONE: the server has ended too. */
enum bench_step bench_end_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret);

#endif
