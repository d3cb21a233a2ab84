/* SPDX-License-Identifier: MIT */
/*
 * A token bucket: a rate per second, and a burst after idle time. Pure.
 *
 * Ownership: values, no heap.   Threads: one at a time.
 */
#ifndef TLSECHO_TOKEN_BUCKET_H
#define TLSECHO_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    uint64_t per_second; /* at least 1 */
    uint64_t burst;      /* most tokens that it holds, at least 1 */
    uint64_t millionths; /* of a token, in the bucket at `at_us` */
    uint64_t at_us;
};

enum { TOKEN_BUCKET_TOKEN = 1000000 };

/* Initialises a full bucket, also a static one: `= {TOKEN_BUCKET_FULL(rate, size)}`. */
#define TOKEN_BUCKET_FULL(rate, size)                                                              \
    .per_second = (rate), .burst = (size), .millionths = (size) * (uint64_t)TOKEN_BUCKET_TOKEN

void token_bucket_init(struct token_bucket *bucket, uint64_t per_second, uint64_t burst);

/* Takes a token; false if there is none. now_us: clock_now_us. */
bool token_bucket_take(struct token_bucket *bucket, uint64_t now_us);

#endif
