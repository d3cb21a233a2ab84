/* SPDX-License-Identifier: MIT */
#include "tlsecho/tally.h"

enum { EVERY_US = 1000 * 1000 };

void tally_add(struct tally *tally)
{
    tally->count++;
}

uint64_t tally_take(struct tally *tally, uint64_t now_us)
{
    uint64_t count = tally->count;
    if (count == 0 || now_us < tally->next_us)
        return 0;
    tally->count = 0;
    tally->next_us = now_us == UINT64_MAX ? 0 : now_us + EVERY_US;
    return count;
}

uint64_t tally_due_us(const struct tally *tally)
{
    return tally->count > 0 ? tally->next_us : UINT64_MAX;
}
