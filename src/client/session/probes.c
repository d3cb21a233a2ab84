/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/probes.h"

int probes_init(struct probes *p, uint64_t timeout_ns, size_t max, struct error *err)
{
    *p = (struct probes){.round_trips = histogram_new(), .first_replies = histogram_new()};
    if (p->round_trips && p->first_replies && ledger_init(&p->ledger, timeout_ns, max, err) == 0)
        return 0;
    probes_done(p);
    return error_sys(err, "memory for probes");
}

void probes_done(struct probes *p)
{
    ledger_done(&p->ledger);
    histogram_free(p->round_trips);
    histogram_free(p->first_replies);
    *p = (struct probes){.round_trips = NULL};
}

enum ledger_reply probes_receive(struct probes *p, uint64_t seq, uint64_t now_ns, struct probe *ret)
{
    enum ledger_reply reply = ledger_receive(&p->ledger, seq, now_ns, ret);
    if (reply == LEDGER_ANSWERED)
        histogram_record(ret->first ? p->first_replies : p->round_trips, ret->time_ns);
    return reply;
}

const struct histogram *probes_latency(const struct probes *p)
{
    struct histogram_summary others;
    histogram_summarize(p->round_trips, &others);
    return others.count ? p->round_trips : p->first_replies;
}

double probes_percent_lost(const struct probes *p)
{
    const struct ledger *l = &p->ledger;
    uint64_t known = l->sent - l->on_way + l->overdue;
    return known ? 100.0 * (double)(l->lost + l->overdue) / (double)known : 0;
}
