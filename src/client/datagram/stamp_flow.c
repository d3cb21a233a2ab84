/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/stamp_flow.h"

#include <string.h>

#include "tlsecho/net/stamp.h"

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

void stamp_flow_send_alone(struct stamp_flow *f, uint64_t seq)
{
    f->alone = seq;
}

void stamp_flow_add(struct stamp_flow *f, uint64_t seq, enum ledger_reply reply,
                    const struct stamp_numbers *numbers, const struct stamp_times *times)
{
    bool answers = reply == LEDGER_ANSWERED;
    if (reply == LEDGER_UNKNOWN)
        return;
    stamp_arrivals_add(&f->arrivals, seq, numbers);
    if (seq == f->alone)
        f->settled = seq;
    if (!stamp_order_add(&f->order, seq, numbers->seq)) {
        f->ways[STAMP_REVERSE].duplicated++;
        return;
    }
    f->stateful = f->stateful || numbers->seq != (uint32_t)(seq - 1);
    f->stateless = f->stateless || numbers->record.id == STAMP_RECORD_MAGIC;
    if (!answers) {
        f->ways[STAMP_FORWARD].duplicated++;
        return;
    }
    if (times->reflector_received_ns != STAMP_UNKNOWN_NS)
        add_delay(&f->ways[STAMP_FORWARD], times->reflector_received_ns - times->sent_ns);
    if (times->reflector_sent_ns != STAMP_UNKNOWN_NS)
        add_delay(&f->ways[STAMP_REVERSE], times->received_ns - times->reflector_sent_ns);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a - least(a, b);
}

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* --- by the record --- */

/* What came back is among what arrived. */
static bool is_in_record(const struct stamp_flow *f, const struct ledger *ledger)
{
    const struct stamp_arrivals_count *count = &f->arrivals.last;
    uint64_t unknown = stamp_arrivals_unknown(count), again = f->ways[STAMP_FORWARD].duplicated;
    uint64_t back = ledger->received + again;
    return count->newest <= ledger->sent && count->total >= back &&
           count->total - back <= ledger->sent && count->arrived + unknown >= ledger->received &&
           count->duplicated + unknown >= again;
}

/* Probes that had not arrived when the last reply was sent, and may have done so after it: as far
 * behind the newest as any was. */
static uint64_t count_open(const struct stamp_flow *f, uint64_t newest, uint64_t displaced)
{
    uint64_t from = more(f->settled + 1, less(newest, displaced));
    return stamp_order_count_unanswered(&f->order, more(from, 1), newest);
}

static void attribute_by_record(const struct stamp_flow *f, const struct ledger *ledger,
                                const struct stamp_count *order, struct stamp_result *ret)
{
    const struct stamp_arrivals_count *count = &f->arrivals.last;
    struct stamp_way *forward = &ret->ways[STAMP_FORWARD], *reverse = &ret->ways[STAMP_REVERSE];
    uint64_t unknown = stamp_arrivals_unknown(count), again = forward->duplicated;
    uint64_t unanswered = count->newest - ledger->received;
    uint64_t lost_before = least(unanswered, ledger->lost), on_way = unanswered - lost_before;
    uint64_t unreplied = less(count->arrived, ledger->received);
    uint64_t missing = less(count->newest - count->arrived, unknown);
    uint64_t open = least(count_open(f, count->newest, order->displaced), missing);
    ret->stateful = true;
    ret->on_their_way = on_way;
    ret->lost_last = ledger->lost - lost_before;
    ret->reordered = open + unknown > 0;
    ret->reverse_lost_probes = less(unreplied, on_way);
    reverse->lost = count->total - ledger->received - again - least(unreplied, on_way);
    forward->lost = less(missing, open + on_way);
    ret->lost_somewhere = ledger->lost - forward->lost - ret->reverse_lost_probes;
    forward->duplicated = count->duplicated;
    ret->forward_duplicated_max = count->duplicated + unknown;
}

/* --- by the numbers --- */

static void attribute_by_numbers(const struct stamp_flow *f, const struct ledger *ledger,
                                 const struct stamp_count *order, struct stamp_result *ret)
{
    struct stamp_count count = *order;
    struct stamp_way *forward = &ret->ways[STAMP_FORWARD];
    ret->counts_another = count.missing > ledger->sent;
    if (ret->counts_another)
        return;
    uint64_t unanswered = f->order.last_seq - ledger->received;
    uint64_t lost_before = least(unanswered, ledger->lost), matched = count.in_order.count;
    ret->on_their_way = unanswered - lost_before;
    ret->lost_last = ledger->lost - lost_before;
    ret->lost_restarting = least(count.restarts, lost_before);
    ret->reordered = count.behind.count + count.behind_last > matched;
    ret->reverse_lost_probes = least(less(matched, ret->on_their_way), lost_before);
    ret->ways[STAMP_REVERSE].lost = count.missing - least(matched, ret->on_their_way);
    forward->lost = less(lost_before, count.behind.count + count.behind_last + count.restarts);
    ret->lost_somewhere = ledger->lost - forward->lost - ret->reverse_lost_probes;
    ret->forward_duplicated_max =
        forward->duplicated + ret->ways[STAMP_REVERSE].lost - ret->reverse_lost_probes;
    forward->duplicated += count.missing - count.behind.count;
}

static void attribute(const struct stamp_flow *f, const struct ledger *ledger,
                      struct stamp_result *ret)
{
    struct stamp_count count;
    stamp_order_count(&f->order, &count);
    if (ret->record == STAMP_RECORD_USED && !is_in_record(f, ledger))
        ret->record = STAMP_RECORD_CONTRADICTORY;
    ret->stateless = f->stateless && !f->stateful;
    if (ret->record == STAMP_RECORD_USED)
        attribute_by_record(f, ledger, &count, ret);
    else if (!ret->stateless)
        attribute_by_numbers(f, ledger, &count, ret);
}

void stamp_flow_result(const struct stamp_flow *f, const struct ledger *ledger,
                       struct stamp_result *ret)
{
    *ret = (struct stamp_result){.stateful = f->stateful,
                                 .record = f->arrivals.state,
                                 .answered = f->order.began,
                                 .lost_somewhere = ledger->lost,
                                 .forward_duplicated_max = f->ways[STAMP_FORWARD].duplicated};
    memcpy(ret->ways, f->ways, sizeof ret->ways);
    if (f->order.began)
        attribute(f, ledger, ret);
}

const char *stamp_direction_name(enum stamp_direction direction)
{
    return direction == STAMP_FORWARD ? "forward" : "reverse";
}

const char *stamp_record_name(enum stamp_record_state state)
{
    static const char *const names[] = {
        [STAMP_RECORD_NONE] = "none",
        [STAMP_RECORD_USED] = "used",
        [STAMP_RECORD_PARTIAL] = "partial",
        [STAMP_RECORD_REPLACED] = "replaced",
        [STAMP_RECORD_CONTRADICTORY] = "contradictory",
    };
    return names[state];
}

const char *stamp_record_refusal(enum stamp_record_state state)
{
    static const char *const texts[] = {
        [STAMP_RECORD_NONE] = NULL,
        [STAMP_RECORD_USED] = NULL,
        [STAMP_RECORD_PARTIAL] = "the reflector's record of arrivals is not used: only some of the "
                                 "replies have it",
        [STAMP_RECORD_REPLACED] = "the reflector's record of arrivals is not used: the reflector "
                                  "began another one",
        [STAMP_RECORD_CONTRADICTORY] = "the reflector's record of arrivals is not used: its counts "
                                       "contradict each other or the replies",
    };
    return texts[state];
}
