/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ping_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/payload.h"
#include "tlsecho/client/session_wait.h"

enum { RETRY_US = 1000000 };

/* Nothing may be sent now, since something is on its way. */
static bool is_held(const struct ping *p)
{
    size_t on_way = p->totals.probes.count;
    return on_way == PROBES_MAX || (on_way && p->options->interval_ms == 0);
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
    if (fresh && (!ping_connect_again(p) || ping_all_sent(p)))
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
    if (clock_now_us() < p->due_us || is_held(p) || ping_all_sent(p))
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
            ping_blame(p, 1);
        }
        ping_timeline_add_reply(&p->totals.timeline, ping_elapsed_us(p, probe.sent_us),
                                probe.time_us, probe.overdue);
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
                        x->reset ? "the server, or something on the way, reset the connection"
                                 : "the server closed the connection");
    size_t used = strlen(p->last.error.text);
    if (x->state == EXCHANGE_WRONG && x->verdict == EXPECT_DIFFERS && oldest)
        snprintf(p->last.error.text + used, sizeof p->last.error.text - used,
                 ": byte %" PRIu64 " of seq=%" PRIu64, x->expect.offset_bytes - oldest->start_bytes,
                 oldest->seq);
    if (x->state == EXCHANGE_WRONG && exchange_remedy(x, &p->last))
        outcome_advise(&p->last, "--ping needs a server that sends its bytes back; to test the "
                                 "connection alone, use --check --expect none");
    if (p->last.result == RESULT_CORRUPT && p->wrong.result == RESULT_OK)
        p->wrong = p->last;
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
    p->runnable = receive_replies(p) && p->filled_bytes < p->wanted_bytes;
    if (p->exchange.state == EXCHANGE_OPEN)
        return;
    judge_connection(p);
    ping_give_up(p);
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
    char known[DIAGNOSIS_TEXT_BYTES];
    outcome_measure(&p->last, RESULT_TIMEOUT, "nothing came back for %.6g s (--idle-timeout)%s",
                    (double)p->options->idle_timeout_ms / 1e3,
                    diagnosis_of_end(p->session.transport->fd, UINT64_MAX, known));
    if (!p->exchange.received_bytes)
        outcome_advise(&p->last, "if it is no echo server, use --check --expect none");
    ping_give_up(p);
}

/* All probes have been sent, and nothing is to be waited for. */
static bool is_complete(const struct ping *p)
{
    const struct probes *probes = &p->totals.probes;
    return ping_all_sent(p) && probes_overdue(probes) == probes->count;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_for_any(struct ping *p)
{
    uint64_t due_us = ping_all_sent(p) || is_held(p) ? UINT64_MAX : p->due_us;
    due_us = earliest(due_us, earliest(probes_due_us(&p->totals.probes), silence_us(p)));
    due_us = p->runnable ? 0 : earliest(due_us, p->end_us);

    struct session_wait wait = {.fd = p->connected ? p->session.transport->fd : -1,
                                .want = p->want,
                                .stop_fd = interrupt_fd(),
                                .due_us = due_us,
                                .other_count = 1,
                                .others = {{.fd = p->interim_fd, .events = POLLIN}}};
    struct error err;
    int event = session_wait(&wait, &err);
    if (event < 0)
        outcome_fail(&p->last, PHASE_LOCAL, &err);
    p->over = event < 0 || event == SESSION_STOPPED;
    if (wait.others[0].revents && interrupt_take_interim(p->interim_fd))
        output_ping_interim(&p->totals);
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
    if (!probes_overdue(&p->totals.probes))
        return;
    char known[DIAGNOSIS_TEXT_BYTES] = "";
    if (p->connected)
        diagnosis_of_end(p->session.transport->fd, UINT64_MAX, known);
    outcome_measure(&p->last, RESULT_TIMEOUT, "no reply to seq=%" PRIu64 " within %.6g s%s",
                    probes_oldest(&p->totals.probes)->seq,
                    (double)p->options->reply_timeout_ms / 1e3, known);
    ping_lose(p, false);
}

/* Wrong bytes outweigh whatever else there was. */
static void judge(const struct ping *p, struct outcome *ret)
{
    const struct probes *probes = &p->totals.probes;
    uint64_t bad = probes->late + probes->lost, good = probes->received - probes->late;
    bool local = p->last.result != RESULT_OK && p->last.phase == PHASE_LOCAL;
    if (!local && p->wrong.result != RESULT_OK) {
        *ret = p->wrong;
    } else if (local || (!good && p->last.result != RESULT_OK)) {
        *ret = p->last;
    } else if (bad) {
        outcome_measure(ret, RESULT_LOST,
                        "%" PRIu64 " of %" PRIu64 " probes late or lost, the last: %.400s", bad,
                        probes->sent, p->last.error.text);
        ret->phase = p->last.phase;
    } else if (!good) {
        char known[DIAGNOSIS_TEXT_BYTES] = "";
        if (p->connected)
            diagnosis_of_end(p->session.transport->fd, UINT64_MAX, known);
        outcome_measure(ret, RESULT_TIMEOUT,
                        "ended before anything had come back, with %zu probes on their way%s",
                        probes->count, known);
    }
}

static int prepare(struct ping *p, struct error *err)
{
    const struct options *options = p->options;
    uint64_t timeout_us = options->reply_timeout_ms ? options->reply_timeout_ms * 1000 : UINT64_MAX;
    if (probes_init(&p->totals.probes, timeout_us, err) < 0 || target_prepare(&p->target, err) < 0)
        return -1;
    p->totals.started_us = p->due_us = clock_now_us();
    p->end_us = options->deadline_ms ? p->due_us + options->deadline_ms * 1000 : UINT64_MAX;
    p->interim_fd = interrupt_open_interim(err);
    return p->interim_fd < 0 ? -1 : 0;
}

static void write_page(const struct ping *p, struct outcome *ret)
{
    const char *path = p->options->report_html;
    struct error err = {.alert = -1};
    if (path && output_html_ping(path, &p->session, &p->totals, ret, &err) < 0 &&
        ret->result == RESULT_OK)
        outcome_fail(ret, PHASE_LOCAL, &err);
}

void mode_ping(const struct options *options, struct outcome *ret)
{
    struct ping p = {.options = options, .interim_fd = -1, .last = *ret, .wrong = *ret};
    struct error err = {.alert = -1};
    bool ran = false;
    p.totals.started_us = clock_now_us();
    ping_timeline_init(&p.totals.timeline);
    for (int i = 0; i < PHASES; i++)
        p.totals.phase_us[i] = SESSION_UNKNOWN_US;

    target_init(&p.target, options, &options->endpoint);
    session_init(&p.session, &p.target);
    if (prepare(&p, &err) < 0) {
        outcome_fail(ret, PHASE_OPTIONS, &err);
    } else {
        loop(&p);
        settle(&p);
        judge(&p, ret); /* while the kernel can still be asked */
        ping_disconnect(&p);
        ran = true;
    }
    session_keep(&p.session, ret);
    memcpy(p.session.phase_us, p.totals.phase_us, sizeof p.session.phase_us);
    p.totals.ended_us = clock_now_us();
    if (ran)
        write_page(&p, ret);
    output_ping(options, &p.session, &p.totals, ret);
    session_close(&p.session);
    target_done(&p.target);
    probes_done(&p.totals.probes);
    if (p.interim_fd >= 0)
        close(p.interim_fd);
}
