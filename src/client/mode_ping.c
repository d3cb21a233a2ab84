/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/clock.h"
#include "tlsecho/exchange.h"
#include "tlsecho/interrupt.h"
#include "tlsecho/mode.h"
#include "tlsecho/output.h"
#include "tlsecho/output_ping.h"
#include "tlsecho/payload.h"

enum { RETRY_US = 1000000 };

struct ping {
    const struct options *options;
    struct target target;
    struct session session;
    struct exchange exchange; /* only while connected */
    bool connected;
    struct ping_totals totals;
    uint64_t filled_bytes, wanted_bytes; /* of the connection's stream: in the exchange; begun */
    uint64_t due_us;                     /* of the next probe */
    uint64_t end_us;                     /* of it all; UINT64_MAX = never */
    uint64_t heard_us;                   /* when something last came back */
    unsigned want;                       /* of the transport */
    bool again;                          /* there is more to do at once */
    int interrupts;
    bool over;
    struct outcome last; /* what was last wrong */
};

static bool all_sent(const struct ping *p)
{
    return p->options->count && p->totals.probes.sent == p->options->count;
}

/* Nothing may be sent now, since something is on its way. */
static bool is_held(const struct ping *p)
{
    size_t on_way = p->totals.probes.count;
    return on_way == PROBES_MAX || (on_way && p->options->interval_ms == 0);
}

/* Probes are late or lost because of `last`. */
static void blame(struct ping *p, uint64_t count)
{
    p->totals.lost_by[p->last.result] += count;
}

/* What the kernel and the exchange know goes before they do. */
static void disconnect(struct ping *p)
{
    struct ping_totals *totals = &p->totals;
    struct socket_tcp_info info;
    if (!p->connected)
        return;
    if (socket_tcp_info(p->session.transport->fd, &info)) {
        info.retransmits += totals->kernel.retransmits;
        totals->kernel = info;
        totals->kernel_tells = true;
    }
    totals->bytes_sent += p->exchange.sent_bytes;
    totals->bytes_received += p->exchange.received_bytes;
    exchange_done(&p->exchange);
    p->connected = false;
}

static void lose_next(struct ping *p)
{
    blame(p, 1);
    output_ping_lost(p->options, probes_fail(&p->totals.probes), 1, &p->last);
}

/* Without a connection there is no next probe: that is a loss too, unless one has been counted. */
static void end_early(struct ping *p, bool counted)
{
    if (!counted && !all_sent(p))
        lose_next(p);
    p->over = true;
}

/* The connection is of no more use, because of `last`. */
static void give_up(struct ping *p)
{
    const struct probe *oldest = probes_oldest(&p->totals.probes);
    uint64_t first = oldest ? oldest->seq : 0;
    size_t lost = probes_lose(&p->totals.probes, true);
    if (lost) {
        blame(p, lost);
        output_ping_lost(p->options, first, lost, &p->last);
    }
    disconnect(p);
    if (!p->options->reconnect)
        end_early(p, lost > 0);
}

/* A probe without a connection is lost. */
static void fail_to_connect(struct ping *p, const struct error *err)
{
    if (interrupt_pending(p->interrupts) || clock_now_us() >= p->end_us)
        return; /* it is not the far end's fault */
    outcome_fail(&p->last, p->session.phase, err);
    lose_next(p);
    p->over = !p->options->reconnect;
}

static bool connect_again(struct ping *p)
{
    struct error err = {.alert = -1};
    session_close(&p->session);
    p->session.deadline_us = p->end_us;
    p->session.stop_fd = p->interrupts;
    bool opened = session_open(&p->session, &err) == 0;
    for (int i = 0; i < PHASES; i++)
        if (p->session.phase_us[i] != SESSION_UNKNOWN_US)
            p->totals.phase_us[i] = p->session.phase_us[i];
    if (opened)
        opened = exchange_init(&p->exchange, p->session.transport,
                               (enum expect_kind)p->options->expect, &err) == 0;
    if (!opened) {
        fail_to_connect(p, &err);
        return false;
    }
    p->connected = true;
    p->totals.connections++;
    p->filled_bytes = p->wanted_bytes = 0;
    return true;
}

/* Puts as much of the probes begun into the exchange as it has room for. */
static void fill(struct ping *p)
{
    struct exchange *x = &p->exchange;
    uint64_t left = p->wanted_bytes - p->filled_bytes;
    size_t room = exchange_room(x);
    size_t n = room < left ? room : (size_t)left;
    if (!n)
        return;
    payload_fill(x->out.data, n, p->totals.connections, p->filled_bytes);
    x->out.end = n;
    p->filled_bytes += n;
}

/* Until there is nothing to send, or no room for it. */
static void send_probes(struct ping *p)
{
    do {
        fill(p);
        p->want = exchange_send(&p->exchange);
    } while (!p->want && p->filled_bytes < p->wanted_bytes && exchange_room(&p->exchange));
}

static void begin_probe(struct ping *p)
{
    struct probes *probes = &p->totals.probes;
    struct error err;
    bool fresh = !p->connected;
    if (fresh && !connect_again(p))
        return;

    uint64_t now_us = clock_now_us();
    if (probes_send(probes, p->wanted_bytes, p->options->size_bytes, now_us, &err) < 0) {
        outcome_fail(&p->last, PHASE_LOCAL, &err);
        p->over = true;
        return;
    }
    if (probes->count == 1)
        p->heard_us = now_us;
    p->wanted_bytes += p->options->size_bytes;
    send_probes(p);
    if (fresh)
        output_ping_connected(p->options, &p->session, &p->totals);
}

/* The next is due one interval after this was; after a long stop, after now. */
static void begin_probe_if_due(struct ping *p)
{
    if (clock_now_us() < p->due_us || is_held(p) || all_sent(p))
        return;
    begin_probe(p);
    uint64_t interval_us = p->options->interval_ms * 1000;
    if (!p->connected && !interval_us)
        interval_us = RETRY_US; /* nobody wants to try as fast as can be */
    p->due_us += interval_us;
    if (p->due_us < clock_now_us())
        p->due_us = clock_now_us() + interval_us;
}

static void take_replies(struct ping *p)
{
    struct probe probe;
    uint64_t now_us = clock_now_us();
    p->heard_us = now_us;
    while (probes_receive(&p->totals.probes, p->exchange.received_bytes, now_us, &probe)) {
        if (probe.first)
            p->totals.phase_us[PHASE_ECHO] = probe.time_us;
        if (probe.overdue) {
            outcome_measure(&p->last, RESULT_TIMEOUT,
                            "the reply to seq=%" PRIu64 " took %.3f s: that is late (-W)",
                            probe.seq, (double)probe.time_us / 1e6);
            blame(p, 1);
        }
        output_ping_reply(p->options, &p->session, &probe, p->options->size_bytes);
    }
}

/* The exchange's word for what went wrong, and the probe that it went wrong in. */
static void judge_connection(struct ping *p)
{
    const struct exchange *x = &p->exchange;
    const struct probe *oldest = probes_oldest(&p->totals.probes);
    exchange_judge(x, true, &p->last);
    if (!oldest && (x->state == EXCHANGE_ENDED || x->state == EXCHANGE_CUT))
        outcome_measure(&p->last, x->reset ? RESULT_RESET : RESULT_TRUNCATED,
                        "the far end %s the connection", x->reset ? "reset" : "ended");
    size_t used = strlen(p->last.error.text);
    if (x->state == EXCHANGE_WRONG && x->verdict == EXPECT_DIFFERS && oldest)
        snprintf(p->last.error.text + used, sizeof p->last.error.text - used,
                 ": byte %" PRIu64 " of seq=%" PRIu64, x->expect.offset_bytes - oldest->start_bytes,
                 oldest->seq);
}

/* All that is here now. Whether anything was. */
static bool receive_replies(struct ping *p)
{
    struct exchange *x = &p->exchange;
    bool received = false;
    for (;;) {
        unsigned want = exchange_receive(x);
        if (!buf_waiting(&x->in)) {
            p->want |= want;
            return received;
        }
        buf_take(&x->in, buf_waiting(&x->in));
        received = true;
        if (x->state == EXCHANGE_OPEN)
            take_replies(p);
    }
}

/* Both ways. What came back may have made room for more. */
static void move(struct ping *p)
{
    send_probes(p);
    p->again = receive_replies(p) && p->filled_bytes < p->wanted_bytes;
    if (p->exchange.state == EXCHANGE_OPEN)
        return;
    judge_connection(p);
    give_up(p);
}

static void expire_probes(struct ping *p)
{
    struct probe probe;
    while (probes_expire(&p->totals.probes, clock_now_us(), &probe))
        output_ping_overdue(p->options, &probe);
}

/* When nothing has come back for so long that nothing will; UINT64_MAX = never. */
static uint64_t silence_us(const struct ping *p)
{
    bool waits = p->totals.probes.count && p->options->idle_timeout_ms;
    return waits ? p->heard_us + p->options->idle_timeout_ms * 1000 : UINT64_MAX;
}

static void end_silence(struct ping *p)
{
    if (clock_now_us() < silence_us(p))
        return;
    outcome_measure(&p->last, RESULT_TIMEOUT, "nothing came back for %.6g s (--idle-timeout)",
                    (double)p->options->idle_timeout_ms / 1e3);
    give_up(p);
}

/* All probes have been sent, and nothing is to be waited for. */
static bool is_complete(const struct ping *p)
{
    const struct probes *probes = &p->totals.probes;
    return all_sent(p) && probes_overdue(probes) == probes->count;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_for_any(struct ping *p)
{
    uint64_t due_us = all_sent(p) || is_held(p) ? UINT64_MAX : p->due_us;
    due_us = earliest(due_us, earliest(probes_due_us(&p->totals.probes), silence_us(p)));
    due_us = p->again ? 0 : earliest(due_us, p->end_us);

    short far = (short)((p->want & WANT_READ ? POLLIN : 0) | (p->want & WANT_WRITE ? POLLOUT : 0));
    struct pollfd polls[] = {
        {.fd = p->connected && far ? p->session.transport->fd : -1, .events = far},
        {.fd = p->interrupts, .events = POLLIN},
    };
    if (poll(polls, 2, clock_poll_ms(clock_now_us(), due_us)) <= 0 || !polls[1].revents)
        return;
    switch (interrupt_read(p->interrupts)) {
    case INTERRUPT_END:
        p->over = true;
        break;
    case INTERRUPT_INTERIM:
        output_ping_interim(&p->totals);
        break;
    case INTERRUPT_NONE:
        break;
    }
}

static void loop(struct ping *p)
{
    struct error err;
    while (!p->over && !is_complete(p) && clock_now_us() < p->end_us) {
        begin_probe_if_due(p);
        if (p->connected)
            move(p);
        expire_probes(p);
        end_silence(p);
        if (output_flush(&err) < 0) {
            outcome_fail(&p->last, PHASE_LOCAL, &err);
            p->over = true;
        }
        if (!p->over && !is_complete(p))
            wait_for_any(p);
    }
}

/* What is overdue now is lost; what is not was not waited for long enough to say. */
static void settle(struct ping *p)
{
    const struct probe *oldest = probes_oldest(&p->totals.probes);
    uint64_t first = oldest ? oldest->seq : 0;
    size_t lost = probes_lose(&p->totals.probes, false);
    if (!lost)
        return;
    outcome_measure(&p->last, RESULT_TIMEOUT, "no reply to seq=%" PRIu64 " within %.6g s", first,
                    (double)p->options->reply_timeout_ms / 1e3);
    blame(p, lost);
    output_ping_lost(p->options, first, lost, &p->last);
}

static void judge(const struct ping *p, struct outcome *ret)
{
    const struct probes *probes = &p->totals.probes;
    uint64_t bad = probes->late + probes->lost, good = probes->received - probes->late;
    bool local = p->last.result != RESULT_OK && p->last.phase == PHASE_LOCAL;
    if (local || (bad && !good)) {
        *ret = p->last;
    } else if (bad) {
        outcome_measure(ret, RESULT_LOST,
                        "%" PRIu64 " of %" PRIu64 " probes late or lost, the last: %.400s", bad,
                        probes->sent, p->last.error.text);
        ret->phase = p->last.phase;
    } else if (!good) {
        outcome_measure(ret, RESULT_LOST, "ended before anything had come back");
    }
}

/* Before signals are taken by a descriptor, since the resolver does not look there. */
static void resolve(struct ping *p)
{
    struct error err = {.alert = -1};
    p->session.phase = PHASE_DNS;
    if (target_resolve(&p->target, &err) < 0)
        fail_to_connect(p, &err);
    else
        p->totals.phase_us[PHASE_DNS] = clock_now_us() - p->totals.started_us;
}

static int prepare(struct ping *p, struct error *err)
{
    const struct options *options = p->options;
    uint64_t timeout_us = options->reply_timeout_ms ? options->reply_timeout_ms * 1000 : UINT64_MAX;
    if (target_prepare(&p->target, err) < 0 || probes_init(&p->totals.probes, timeout_us, err) < 0)
        return -1;
    p->totals.started_us = clock_now_us();
    p->end_us =
        options->deadline_ms ? p->totals.started_us + options->deadline_ms * 1000 : UINT64_MAX;
    resolve(p);
    p->due_us = clock_now_us() + (p->totals.probes.sent ? options->interval_ms * 1000 : 0);
    p->interrupts = interrupt_open(true, err);
    return p->interrupts < 0 ? -1 : 0;
}

void mode_ping(const struct options *options, struct outcome *ret)
{
    struct ping p = {.options = options, .interrupts = -1, .last = *ret};
    struct error err = {.alert = -1};
    for (int i = 0; i < PHASES; i++)
        p.totals.phase_us[i] = SESSION_UNKNOWN_US;

    target_init(&p.target, options, &options->endpoint);
    session_init(&p.session, &p.target);
    if (prepare(&p, &err) < 0) {
        outcome_fail(ret, PHASE_OPTIONS, &err);
    } else {
        loop(&p);
        settle(&p);
        disconnect(&p);
        judge(&p, ret);
    }
    session_keep(&p.session, ret);
    memcpy(p.session.phase_us, p.totals.phase_us, sizeof p.session.phase_us);
    output_ping(options, &p.session, &p.totals, ret);
    session_close(&p.session);
    target_done(&p.target);
    probes_done(&p.totals.probes);
    if (p.interrupts >= 0)
        close(p.interrupts);
}
