/* SPDX-License-Identifier: MIT */
/*
 * Messages one after the other in a stream, over TCP or TLS: bench_dial.h, bench_traffic.h and
 * bench_end.h in one table.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_BENCH_STREAM_H
#define TLSECHO_BENCH_STREAM_H

#include "bench_state.h"

extern const struct bench_carrier bench_stream;

#endif
