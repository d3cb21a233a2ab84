/* SPDX-License-Identifier: MIT */
/*
 * The bytes that a load is made of: random ones that repeat after a prime number of them, and each
 * connection starts somewhere else. So any piece of any stream lies ready in memory, to be sent and
 * to be compared; and bytes that are lost, doubled, swapped or another connection's differ.
 *
 * Ownership: bench_pattern_free frees.   Threads: any, once it is made.
 */
#ifndef TLSECHO_BENCH_PATTERN_H
#define TLSECHO_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/expect_kind.h"

enum { BENCH_PIECE_BYTES = 64 << 10 };

struct bench_pattern;

/* ERROR_SYSTEM (memory). */
int bench_pattern_new(enum expect_kind kind, struct bench_pattern **ret, struct error *err);
void bench_pattern_free(struct bench_pattern *pattern);

/* What a connection sends from that offset of its stream on, and what should come back for it:
 * BENCH_PIECE_BYTES each. */
const unsigned char *bench_pattern_sent(const struct bench_pattern *pattern, uint32_t connection,
                                        uint64_t offset);
const unsigned char *bench_pattern_expected(const struct bench_pattern *pattern,
                                            uint32_t connection, uint64_t offset);

#endif
