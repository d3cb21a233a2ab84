/* SPDX-License-Identifier: MIT */
#include "tlsecho/bucket.h"

void bucket_init(struct bucket *bucket, uint64_t per_second, uint64_t burst)
{
    *bucket = (struct bucket){BUCKET_FULL(per_second, burst)};
}

/* A microsecond brings per_second millionths of a token. */
static void refill(struct bucket *b, uint64_t now_us)
{
    uint64_t full = b->burst * BUCKET_TOKEN, gained, level;
    if (now_us <= b->at_us)
        return;
    if (__builtin_mul_overflow(now_us - b->at_us, b->per_second, &gained) ||
        __builtin_add_overflow(b->millionths, gained, &level) || level > full)
        level = full;
    b->millionths = level;
    b->at_us = now_us;
}

bool bucket_take(struct bucket *bucket, uint64_t now_us)
{
    refill(bucket, now_us);
    if (bucket->millionths < BUCKET_TOKEN)
        return false;
    bucket->millionths -= BUCKET_TOKEN;
    return true;
}
