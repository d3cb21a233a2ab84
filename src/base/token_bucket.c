/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/token_bucket.h"

void token_bucket_init(struct token_bucket *bucket, uint64_t per_second, uint64_t burst)
{
    *bucket = (struct token_bucket){TOKEN_BUCKET_FULL(per_second, burst)};
}

/* Each microsecond adds per_second millionths of a token. */
static void refill(struct token_bucket *b, uint64_t now_us)
{
    uint64_t full = b->burst * TOKEN_BUCKET_TOKEN, gained, level;
    if (now_us <= b->at_us)
        return;
    if (__builtin_mul_overflow(now_us - b->at_us, b->per_second, &gained) ||
        __builtin_add_overflow(b->millionths, gained, &level) || level > full)
        level = full;
    b->millionths = level;
    b->at_us = now_us;
}

bool token_bucket_take(struct token_bucket *bucket, uint64_t now_us)
{
    refill(bucket, now_us);
    if (bucket->millionths < TOKEN_BUCKET_TOKEN)
        return false;
    bucket->millionths -= TOKEN_BUCKET_TOKEN;
    return true;
}
