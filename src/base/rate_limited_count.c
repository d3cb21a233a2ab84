/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/rate_limited_count.h"

enum { EVERY_US = 1000 * 1000 };

void rate_limited_count_add(struct rate_limited_count *counter)
{
    counter->count++;
}

uint64_t rate_limited_count_take(struct rate_limited_count *counter, uint64_t now_us)
{
    uint64_t count = counter->count;
    if (count == 0 || now_us < counter->next_us)
        return 0;
    counter->count = 0;
    counter->next_us = now_us == UINT64_MAX ? 0 : now_us + EVERY_US;
    return count;
}

uint64_t rate_limited_count_due_us(const struct rate_limited_count *counter)
{
    return counter->count > 0 ? counter->next_us : UINT64_MAX;
}
