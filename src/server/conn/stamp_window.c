/* SPDX-License-Identifier: MIT */
#include "stamp_window.h"

#include <string.h>

static uint64_t *word(struct stamp_window *w, uint32_t seq)
{
    return &w->words[seq % STAMP_WINDOW / STAMP_WINDOW_WORD_BITS];
}

static uint64_t bit(uint32_t seq)
{
    return UINT64_C(1) << seq % STAMP_WINDOW_WORD_BITS;
}

static void advance(struct stamp_window *w, uint32_t seq)
{
    if (seq - w->newest >= STAMP_WINDOW)
        memset(w->words, 0, sizeof w->words);
    else
        for (uint32_t next = w->newest + 1; next != seq + 1; next++)
            *word(w, next) &= ~bit(next);
    w->newest = seq;
}

enum stamp_arrival stamp_window_take(struct stamp_window *w, uint32_t seq)
{
    if (!w->began || (int32_t)(seq - w->newest) > 0)
        advance(w, seq);
    w->began = true;
    if (w->newest - seq >= STAMP_WINDOW)
        return STAMP_ARRIVAL_OLD;
    if (*word(w, seq) & bit(seq))
        return STAMP_ARRIVAL_DUPLICATE;
    *word(w, seq) |= bit(seq);
    return STAMP_ARRIVAL_NEW;
}
