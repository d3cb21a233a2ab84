/* SPDX-License-Identifier: MIT */
/*
 * The bytes that a load sends: random bytes that repeat after a prime number, at which each
 * connection starts elsewhere. Every piece of every stream is thus ready in memory, to be sent and
 * compared, and bytes that are lost, duplicated, swapped or of another connection differ.
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

/* What a connection sends at that offset of its stream, and what should come back:
 * BENCH_PIECE_BYTES each. */
const unsigned char *bench_pattern_sent(const struct bench_pattern *pattern, uint32_t connection,
                                        uint64_t offset);
const unsigned char *bench_pattern_expected(const struct bench_pattern *pattern,
                                            uint32_t connection, uint64_t offset);

#endif
