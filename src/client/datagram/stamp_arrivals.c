/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/stamp_arrivals.h"

/* 64 bits of a count of which a packet has the lower 32, near `last`. Below 0 it is huge: more than
 * was sent, which is refused where that is known. */
static uint64_t complete(uint64_t last, uint32_t low)
{
    return last + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)last);
}

/* Everything that has a number arrived before what has a higher one. */
static bool can_follow(const struct stamp_arrivals_count *earlier,
                       const struct stamp_arrivals_count *later)
{
    return later->newest >= earlier->newest && later->arrived >= earlier->arrived &&
           later->duplicated >= earlier->duplicated &&
           stamp_arrivals_unknown(later) >= stamp_arrivals_unknown(earlier);
}

/* Only what is as far behind as the window is long came too late to know. */
static bool is_possible(const struct stamp_arrivals_count *count)
{
    return count->arrived > 0 && count->arrived <= count->newest &&
           count->arrived <= count->total && count->duplicated <= count->total - count->arrived &&
           (count->newest > STAMP_RECORD_WINDOW || stamp_arrivals_unknown(count) == 0);
}

static enum stamp_record_state judge(const struct stamp_arrivals *a, uint32_t id,
                                     const struct stamp_arrivals_count *count)
{
    if (a->state == STAMP_RECORD_USED && id != a->id)
        return STAMP_RECORD_REPLACED;
    if (!is_possible(count))
        return STAMP_RECORD_CONTRADICTORY;
    if (a->state == STAMP_RECORD_NONE)
        return a->answered ? STAMP_RECORD_PARTIAL : STAMP_RECORD_USED;
    if ((count->total >= a->last.total && !can_follow(&a->last, count)) ||
        (count->total <= a->last.total && !can_follow(count, &a->last)))
        return STAMP_RECORD_CONTRADICTORY;
    return STAMP_RECORD_USED;
}

static void take(struct stamp_arrivals *a, uint64_t seq, const struct stamp_numbers *numbers)
{
    const struct stamp_record *record = &numbers->record;
    struct stamp_arrivals_count count = {
        .total = complete(a->last.total, numbers->seq + 1),
        .newest = seq + (uint32_t)(record->newest - (uint32_t)(seq - 1)),
        .arrived = complete(a->last.arrived, record->arrived),
        .duplicated = complete(a->last.duplicated, record->duplicated),
    };
    a->state = judge(a, record->id, &count);
    a->id = record->id;
    if (count.total > a->last.total)
        a->last = count;
}

void stamp_arrivals_add(struct stamp_arrivals *a, uint64_t seq, const struct stamp_numbers *numbers)
{
    uint32_t id = numbers->record.id;
    bool has_record = id != 0 && id != STAMP_RECORD_MAGIC;
    if (a->state <= STAMP_RECORD_USED && has_record)
        take(a, seq, numbers);
    else if (a->state == STAMP_RECORD_USED)
        a->state = STAMP_RECORD_PARTIAL;
    a->answered = true;
}

uint64_t stamp_arrivals_unknown(const struct stamp_arrivals_count *count)
{
    return count->total - count->arrived - count->duplicated;
}
