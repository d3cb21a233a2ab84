/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/stamp_order.h"

#include <assert.h>

/* --- which probes were answered --- */

static uint64_t *word(struct stamp_order *o, uint64_t seq)
{
    return &o->answered[seq % STAMP_PROBES / STAMP_WORD_BITS];
}

static uint64_t bit(uint64_t seq)
{
    return UINT64_C(1) << seq % STAMP_WORD_BITS;
}

static bool is_answered(const struct stamp_order *o, uint64_t seq)
{
    return seq <= o->last_seq && seq + STAMP_PROBES > o->last_seq &&
           o->answered[seq % STAMP_PROBES / STAMP_WORD_BITS] & bit(seq);
}

static void mark_answered(struct stamp_order *o, uint64_t seq)
{
    if (seq > o->last_seq + STAMP_PROBES)
        o->last_seq = seq - STAMP_PROBES;
    while (o->last_seq < seq) {
        o->last_seq++;
        *word(o, o->last_seq) &= ~bit(o->last_seq);
    }
    if (seq + STAMP_PROBES > o->last_seq)
        *word(o, seq) |= bit(seq);
}

uint64_t stamp_order_count_unanswered(const struct stamp_order *o, uint64_t from, uint64_t before)
{
    uint64_t count = 0;
    for (uint64_t seq = from; seq < before; seq++)
        count += !is_answered(o, seq);
    return count;
}

/* --- counting, in the order of the numbers --- */

static uint64_t back(uint64_t seq, uint64_t span)
{
    return seq > span ? seq - span : 1;
}

/* The missing numbers of a gap are given to the first of the unanswered probes from `from` to `to`,
 * which never decrease: that makes the most pairs. */
static void match(const struct stamp_order *o, uint64_t gap, uint64_t from, uint64_t to,
                  struct stamp_match *m)
{
    if (m->next < from)
        m->next = from;
    while (gap > 0 && m->next <= to) {
        bool lost = !is_answered(o, m->next++);
        m->count += lost;
        gap -= lost;
    }
}

/* The missing numbers came between the newest probe and probe seq, which ends the gap. */
static void end_gap(const struct stamp_order *o, uint64_t seq, uint64_t span, struct stamp_count *c)
{
    match(o, c->gap, c->newest + 1, seq, &c->in_order);
    match(o, c->gap, back(c->newest, span), seq + span, &c->behind);
    c->newest = seq;
    c->gap = 0;
}

static void end_restart(const struct stamp_order *o, uint64_t seq, uint64_t span,
                        struct stamp_count *c)
{
    uint64_t before = c->in_order.count, lost = stamp_order_count_unanswered(o, c->newest + 1, seq);
    end_gap(o, seq, span, c);
    /* the others may have arrived before it began again */
    c->restarts += lost - (c->in_order.count - before);
    c->restarted = false;
}

/* span: how far behind a probe may have been. */
static void count_number(const struct stamp_order *o, uint64_t number, uint64_t span,
                         struct stamp_count *c)
{
    uint64_t seq = o->seqs[number % STAMP_NUMBERS];
    if (!seq) {
        c->missing++;
        c->gap++;
    } else if (seq > c->newest && c->restarted) {
        end_restart(o, seq, span, c);
    } else if (seq >= c->newest) {
        end_gap(o, seq, span, c);
    } else if (c->newest - seq > c->displaced) {
        c->displaced = c->newest - seq;
    }
}

/* Up to that number, which is not counted yet. */
static void count_until(struct stamp_order *o, uint64_t end)
{
    while (o->next < end) {
        count_number(o, o->next, o->count.displaced, &o->count);
        o->seqs[o->next % STAMP_NUMBERS] = 0;
        o->next++;
    }
}

static void count_rest(const struct stamp_order *o, uint64_t span, struct stamp_count *ret)
{
    *ret = o->count;
    for (uint64_t number = o->next; o->began && number <= o->last; number++)
        count_number(o, number, span, ret);
}

void stamp_order_count(const struct stamp_order *o, struct stamp_count *ret)
{
    count_rest(o, 0, ret);
    if (ret->displaced == 0)
        return;
    uint64_t span = ret->displaced, from;
    count_rest(o, span, ret);
    match(o, ret->gap, back(ret->newest, span), ret->newest + span, &ret->behind);
    from = back(ret->newest, span);
    ret->behind_last = stamp_order_count_unanswered(
        o, from > ret->behind.next ? from : ret->behind.next, ret->newest);
}

/* --- numbers as they come --- */

static void advance(struct stamp_order *o, uint64_t number)
{
    uint64_t next = number < STAMP_NUMBERS ? 0 : number - STAMP_NUMBERS + 1;
    if (number <= o->last)
        return;
    count_until(o, next <= o->last ? next : o->last + 1);
    if (o->next < next) { /* more are missing than are remembered */
        o->count.missing += next - o->next;
        o->count.gap += next - o->next;
        o->next = next;
    }
    o->last = number;
}

/* The reflector begins to count with 0, unless it still knows us: then its number is higher than
 * probes and their duplicates explain. */
static void begin(struct stamp_order *o, uint64_t seq, uint64_t number)
{
    uint64_t since = seq > o->last_seq ? seq - o->last_seq : 1;
    if (o->began) {
        count_until(o, o->last + 1);
        o->count.gap = 0;
        o->count.restarted = true;
    }
    o->began = true;
    o->base = number < 2 * since ? 0 : number - (since - 1);
    o->next = o->last = o->base;
}

/* 32 bits of a number near the last one. */
static uint64_t complete(const struct stamp_order *o, uint32_t number)
{
    int32_t ahead = (int32_t)(number - (uint32_t)o->last);
    return ahead < 0 && (uint64_t) - (int64_t)ahead > o->last ? number
                                                              : o->last + (uint64_t)(int64_t)ahead;
}

/* Whether a place is remembered for that number, or can be made. */
static bool has_place(struct stamp_order *o, uint64_t number)
{
    if (number < o->next && o->next == o->base && number + STAMP_NUMBERS > o->last)
        o->base = o->next = number;
    return number >= o->next;
}

/* The probe that it answers, as far as that is known; 0 = none yet. */
static uint64_t answers(const struct stamp_order *o, uint64_t number)
{
    return number <= o->last ? o->seqs[number % STAMP_NUMBERS] : 0;
}

bool stamp_order_add(struct stamp_order *o, uint64_t seq, uint32_t low_number)
{
    uint64_t number = o->began ? complete(o, low_number) : low_number;
    bool known = o->began && has_place(o, number);
    assert(seq > 0);
    if (known ? answers(o, number) == seq : o->began && is_answered(o, seq))
        return false;
    if (!known || answers(o, number)) { /* the first one, or another reply under an old number */
        number = low_number;
        begin(o, seq, number);
    }
    advance(o, number);
    o->seqs[number % STAMP_NUMBERS] = seq;
    mark_answered(o, seq);
    return true;
}
