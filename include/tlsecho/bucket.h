/* SPDX-License-Identifier: MIT */
/*
 * So many a second, and as many at once after a quiet time: a token bucket. Pure.
 *
 * Ownership: values, no heap.   Threads: one at a time.
 */
#ifndef TLSECHO_BUCKET_H
#define TLSECHO_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t per_second; /* at least 1 */
    uint64_t burst;      /* tokens that it holds at most, at least 1 */
    uint64_t millionths; /* of tokens in it at `at_us` */
    uint64_t at_us;
};

enum { BUCKET_TOKEN = 1000000 };

/* The fields of a full one, for `= {BUCKET_FULL(rate, size)}`; static ones too. */
#define BUCKET_FULL(rate, size)                                                                    \
    .per_second = (rate), .burst = (size), .millionths = (size) * (uint64_t)BUCKET_TOKEN

void bucket_init(struct bucket *bucket, uint64_t per_second, uint64_t burst);

/* Takes a token; false if there is none. now_us: clock_now_us. */
bool bucket_take(struct bucket *bucket, uint64_t now_us);

#endif
