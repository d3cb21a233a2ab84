/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "ping_internal.h"
#include "tlsecho/base/clock.h"

bool ping_all_sent(const struct ping *p)
{
    return p->options->count && p->totals.probes.ledger.sent == p->options->count;
}

void ping_blame(struct ping *p, uint64_t count)
{
    p->totals.lost_by[p->last.result] += count;
}

uint64_t ping_elapsed_us(const struct ping *p, uint64_t at_us)
{
    return at_us - p->totals.started_us;
}

/* Probes in a row, without a gap. */
struct run {
    uint64_t first_seq, count;
};

/* The oldest on its way and those in a row with it are lost; unless `all`, only overdue ones.
 * False: there is none such. */
static bool lose_run(struct ping *p, bool all, struct run *ret)
{
    struct ledger *ledger = &p->totals.probes.ledger;
    struct probe probe;
    *ret = (struct run){.count = 0};
    while (ledger_oldest(ledger, &probe) &&
           (!ret->count || probe.seq == ret->first_seq + ret->count) &&
           ledger_lose(ledger, all, &probe)) {
        if (!ret->count++)
            ret->first_seq = probe.seq;
        ping_timeline_add_loss(&p->totals.timeline, ping_elapsed_us(p, probe.sent_ns / 1000));
    }
    return ret->count > 0;
}

static void tell_of_run(struct ping *p, const struct run *run)
{
    output_ping_lost(p->options, run->first_seq, run->count, &p->last);
    ping_blame(p, run->count);
}

/* The probes on their way are lost because of `last`. Returns how many. */
static uint64_t lose_all(struct ping *p)
{
    struct run run;
    uint64_t lost = 0;
    for (; lose_run(p, true, &run); lost += run.count)
        tell_of_run(p, &run);
    return lost;
}

void ping_lose_overdue(struct ping *p)
{
    char known[DIAGNOSIS_TEXT_BYTES] = "", seqs[2 * 20 + sizeof ".."];
    double limit_s = (double)p->options->reply_timeout_ms / 1e3;
    struct run run;
    if (p->connected)
        p->carrier->diagnose(p, known);
    while (lose_run(p, false, &run)) {
        int n = snprintf(seqs, sizeof seqs, "%" PRIu64, run.first_seq);
        if (run.count > 1)
            snprintf(seqs + n, sizeof seqs - (size_t)n, "..%" PRIu64,
                     run.first_seq + run.count - 1);
        outcome_measure(&p->last, RESULT_TIMEOUT, "no reply to seq=%s within %.6g s%s", seqs,
                        limit_s, known);
        tell_of_run(p, &run);
    }
}

void ping_lose_one(struct ping *p, uint64_t seq)
{
    struct probe probe;
    if (!ledger_lose_one(&p->totals.probes.ledger, seq, &probe))
        return;
    ping_timeline_add_loss(&p->totals.timeline, ping_elapsed_us(p, probe.sent_ns / 1000));
    ping_blame(p, 1);
    output_ping_lost(p->options, seq, 1, &p->last);
}

void ping_disconnect(struct ping *p)
{
    if (p->connected)
        p->carrier->close(p);
    p->connected = false;
}

/* Loses count probes, the first of which was due at due_us. */
static void lose_next(struct ping *p, uint64_t count, uint64_t due_us)
{
    uint64_t first = p->totals.probes.ledger.sent + 1, interval_us = p->options->interval_ms * 1000;
    for (uint64_t i = 0; i < count; i++) {
        ledger_fail(&p->totals.probes.ledger);
        ping_timeline_add_loss(&p->totals.timeline, ping_elapsed_us(p, due_us + i * interval_us));
    }
    ping_blame(p, count);
    output_ping_lost(p->options, first, count, &p->last);
}

/* How many probes became due during the attempt to connect, up to -c. */
static uint64_t missed(const struct ping *p)
{
    uint64_t interval_us = p->options->interval_ms * 1000, now_us = clock_now_us();
    uint64_t count = interval_us && now_us > p->due_us ? (now_us - p->due_us) / interval_us : 0;
    uint64_t left =
        p->options->count ? p->options->count - p->totals.probes.ledger.sent : UINT64_MAX;
    return count < left ? count : left;
}

/* An outage costs a probe for each interval, however long the attempts to connect take. The time of
 * the first connection is not an outage. */
static void lose_missed(struct ping *p)
{
    uint64_t count = missed(p);
    if (p->over || p->last.result == RESULT_OK || !count)
        return;
    lose_next(p, count, p->due_us);
    p->due_us += count * p->options->interval_ms * 1000;
}

/* Without a connection the next probe is lost too, unless a loss has been counted. */
static void end_early(struct ping *p, bool counted)
{
    if (!counted && !ping_all_sent(p))
        lose_next(p, 1, clock_now_us());
    p->over = true;
}

void ping_give_up(struct ping *p)
{
    uint64_t lost = lose_all(p);
    ping_disconnect(p);
    if (!p->options->reconnect)
        end_early(p, lost > 0);
}

/* The user or -w ended it: no probe is lost. If nothing has been measured, the result is the class
 * of what was waited for. */
static void end_while_connecting(struct ping *p, const struct error *err)
{
    p->over = true;
    if (p->totals.probes.ledger.sent)
        return;
    outcome_measure(&p->last, result_of(p->session.phase, err), "%s%s", err->text,
                    err->kind == ERROR_INTERRUPTED ? "" : " (-w ended it)");
    p->last.phase = p->session.phase;
}

static void fail_to_connect(struct ping *p, const struct error *err)
{
    bool end = err->kind == ERROR_INTERRUPTED || clock_now_us() >= p->end_us;
    if (end) {
        end_while_connecting(p, err);
        return;
    }
    outcome_fail_to_open(&p->last, p->session.phase, err, p->options);
    lose_next(p, 1, clock_now_us());
    p->over = !p->options->reconnect;
}

bool ping_connect_again(struct ping *p)
{
    struct error err = {.alert = -1};
    session_close(&p->session);
    p->session.deadline_us = p->end_us;
    if (p->tried)
        target_forget_addresses(&p->target); /* the address may have changed */
    p->tried = true;
    bool opened = p->carrier->open(p, &err) == 0;
    for (int i = 0; i < PHASES; i++)
        if (p->session.phase_us[i] != SESSION_UNKNOWN_US)
            p->totals.phase_us[i] = p->session.phase_us[i];
    if (!opened)
        fail_to_connect(p, &err);
    lose_missed(p);
    if (!opened)
        return false;
    p->connected = true;
    p->totals.connections++;
    ping_timeline_add_connection(&p->totals.timeline, ping_elapsed_us(p, clock_now_us()));
    return true;
}
