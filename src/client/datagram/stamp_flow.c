/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/stamp_flow.h"

#include <string.h>

#include "tlsecho/net/stamp.h"

static uint64_t *word(struct stamp_numbers *n, uint64_t number)
{
    return &n->seen[number % STAMP_WINDOW / STAMP_WORD_BITS];
}

static uint64_t bit(uint64_t number)
{
    return UINT64_C(1) << number % STAMP_WORD_BITS;
}

/* The reflector begins to count. gap: probes before this one that it may have reflected. */
static void begin(struct stamp_flow *f, uint64_t number, uint64_t gap)
{
    if (f->began)
        f->reflected += f->numbers.last - f->numbers.first + 1;
    f->began = true;
    memset(&f->numbers, 0, sizeof f->numbers);
    f->numbers.last = number;
    f->numbers.first = number > gap ? number - gap : 0;
    *word(&f->numbers, number) |= bit(number);
}

/* 32 bits of a number near the last one. */
static uint64_t complete(const struct stamp_numbers *n, uint32_t number)
{
    int32_t ahead = (int32_t)(number - (uint32_t)n->last);
    return ahead < 0 && (uint64_t) - (int64_t)ahead > n->last ? number
                                                              : n->last + (uint64_t)(int64_t)ahead;
}

/* Whether that number arrives for the first time. It is marked. */
static bool mark(struct stamp_numbers *n, uint64_t number)
{
    if (number + STAMP_WINDOW <= n->last)
        return false; /* so old that nothing is known of it */
    if (number > n->last + STAMP_WINDOW) {
        memset(n->seen, 0, sizeof n->seen);
        n->last = number;
    }
    while (n->last < number) {
        n->last++;
        *word(n, n->last) &= ~bit(n->last);
    }
    bool fresh = !(*word(n, number) & bit(number));
    *word(n, number) |= bit(number);
    if (number < n->first)
        n->first = number;
    return fresh;
}

/* Returns false if the same reply has arrived before. */
static bool take_number(struct stamp_flow *f, uint64_t seq, bool answers, uint32_t number)
{
    uint64_t gap = seq > f->last_seq ? seq - f->last_seq - 1 : 0;
    bool fresh;
    if (!f->began) {
        begin(f, number, gap);
        return true;
    }
    fresh = mark(&f->numbers, complete(&f->numbers, number));
    if (!fresh && answers) { /* a new answer under an old number: the reflector began again */
        begin(f, number, gap);
        return true;
    }
    return fresh;
}

static void add_delay(struct stamp_way *way, int64_t delay_ns)
{
    struct stamp_delay *delay = &way->delay;
    if (!way->jitter.count || delay_ns < delay->min_ns)
        delay->min_ns = delay_ns;
    if (!way->jitter.count || delay_ns > delay->max_ns)
        delay->max_ns = delay_ns;
    delay->sum_ns += (double)delay_ns;
    jitter_add(&way->jitter, delay_ns);
}

void stamp_flow_add(struct stamp_flow *f, uint64_t seq, enum ledger_reply reply,
                    uint32_t reflector_seq, const struct stamp_times *times)
{
    bool answers = reply == LEDGER_ANSWERED;
    if (reply == LEDGER_UNKNOWN)
        return;
    if (!take_number(f, seq, answers, reflector_seq)) {
        f->ways[STAMP_REVERSE].duplicated++;
        return;
    }
    f->seen++;
    f->stateful = f->stateful || reflector_seq != (uint32_t)(seq - 1);
    if (!answers) {
        f->ways[STAMP_FORWARD].duplicated++;
        return;
    }
    if (seq > f->last_seq)
        f->last_seq = seq;
    if (times->reflector_received_ns != STAMP_UNKNOWN_NS)
        add_delay(&f->ways[STAMP_FORWARD], times->reflector_received_ns - times->sent_ns);
    if (times->reflector_sent_ns != STAMP_UNKNOWN_NS)
        add_delay(&f->ways[STAMP_REVERSE], times->received_ns - times->reflector_sent_ns);
}

void stamp_flow_result(const struct stamp_flow *f, const struct ledger *ledger,
                       struct stamp_result *ret)
{
    const struct stamp_numbers *n = &f->numbers;
    uint64_t reflected = f->reflected + (f->began ? n->last - n->first + 1 : 0);
    uint64_t missing = f->last_seq - ledger->received; /* up to the last one that was answered */
    if (missing > ledger->lost)                        /* some are still on their way */
        missing = ledger->lost;
    uint64_t reverse = reflected - f->seen;
    *ret = (struct stamp_result){.stateful = f->stateful, .answered = f->began};
    memcpy(ret->ways, f->ways, sizeof ret->ways);
    if (reverse > missing) /* replies to what was duplicated on the way there */
        reverse = missing;
    ret->ways[STAMP_REVERSE].lost = reverse;
    ret->ways[STAMP_FORWARD].lost = missing - reverse;
    ret->lost_somewhere = ledger->lost - missing;
}

const char *stamp_direction_name(enum stamp_direction direction)
{
    return direction == STAMP_FORWARD ? "forward" : "reverse";
}
