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

void stamp_flow_add(struct stamp_flow *f, uint64_t seq, enum ledger_reply reply,
                    uint32_t reflector_seq, const struct stamp_times *times)
{
    bool answers = reply == LEDGER_ANSWERED;
    if (reply == LEDGER_UNKNOWN)
        return;
    if (!stamp_order_add(&f->order, seq, reflector_seq)) {
        f->ways[STAMP_REVERSE].duplicated++;
        return;
    }
    f->stateful = f->stateful || reflector_seq != (uint32_t)(seq - 1);
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

static void attribute(const struct stamp_flow *f, const struct ledger *ledger,
                      struct stamp_result *ret)
{
    struct stamp_count count;
    struct stamp_way *forward = &ret->ways[STAMP_FORWARD];
    stamp_order_count(&f->order, &count);
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

void stamp_flow_result(const struct stamp_flow *f, const struct ledger *ledger,
                       struct stamp_result *ret)
{
    *ret = (struct stamp_result){.stateful = f->stateful,
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
