/* SPDX-License-Identifier: MIT */
/*
 * So many a second, and as many at once after a quiet time: a token bucket. Pure.
 *
 * Ownership: values, no heap.   Threads: one at a time.
 */
#ifndef TLSECHO_TOKEN_BUCKET_H
#define TLSECHO_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    uint64_t per_second; /* at least 1 */
    uint64_t burst;      /* tokens that it holds at most, at least 1 */
    uint64_t millionths; /* of tokens in it at `at_us` */
    uint64_t at_us;
};

enum { TOKEN_BUCKET_TOKEN = 1000000 };

/* The fields of a full one, for `= {TOKEN_BUCKET_FULL(rate, size)}`; static ones too. */
#define TOKEN_BUCKET_FULL(rate, size)                                                              \
    .per_second = (rate), .burst = (size), .millionths = (size) * (uint64_t)TOKEN_BUCKET_TOKEN

void token_bucket_init(struct token_bucket *bucket, uint64_t per_second, uint64_t burst);

/* Takes a token; false if there is none. now_us: clock_now_us. */
bool token_bucket_take(struct token_bucket *bucket, uint64_t now_us);

#endif
