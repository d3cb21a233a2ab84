/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ping_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/session_wait.h"

enum { RETRY_US = 1000000, REST_LEAST_US = 10000 };

#define US_NS UINT64_C(1000)
#define MS_NS UINT64_C(1000000)

/* The last probe that a STAMP reflector records waits until none is on its way: then its reply
 * tells of every other one whether it arrived. Not where the run could end before it is sent. */
static bool is_sent_alone(const struct ping *p)
{
    const struct options *options = p->options;
    bool is_last = options->count && p->totals.probes.ledger.sent + 1 == options->count;
    bool ends_first =
        !options->reply_timeout_ms || options->deadline_ms ||
        (options->idle_timeout_ms && options->idle_timeout_ms <= options->reply_timeout_ms);
    return is_last && !ends_first && p->datagram.flow.arrivals.state == STAMP_RECORD_USED;
}

/* No probe may be sent before a reply has come. */
static bool is_held(const struct ping *p)
{
    const struct ledger *ledger = &p->totals.probes.ledger;
    size_t awaited = p->carrier->in_order ? ledger->on_way : ledger->on_way - ledger->overdue;
    return ledger_is_full(ledger) ||
           (awaited && (p->options->interval_ms == 0 || is_sent_alone(p)));
}

static void begin_probe(struct ping *p)
{
    struct error err;
    bool fresh = !p->connected;
    if (fresh && (!ping_connect_again(p) || ping_all_sent(p)))
        return;
    uint64_t now_us = clock_now_us();
    if (ledger_send(&p->totals.probes.ledger, fresh, now_us * US_NS, &err) < 0) {
        outcome_fail(&p->last, PHASE_LOCAL, &err);
        p->over = true;
        return;
    }
    if (p->totals.probes.ledger.on_way == 1)
        p->heard_us = now_us;
    p->carrier->send(p);
    if (fresh)
        output_ping_connected(p->options, &p->session, &p->totals);
}

/* The next probe is due one interval after this one was; after a long pause, one interval from now.
 */
static void begin_probe_if_due(struct ping *p)
{
    if (clock_now_us() < p->due_us || is_held(p) || ping_all_sent(p))
        return;
    begin_probe(p);
    uint64_t interval_us = p->options->interval_ms * 1000;
    if (!p->connected && !interval_us)
        interval_us = RETRY_US; /* with -i 0: not as fast as possible */
    p->due_us += interval_us;
    if (p->due_us < clock_now_us())
        p->due_us = clock_now_us() + interval_us;
}

static void take_answer(struct ping *p, const struct probe *probe)
{
    uint64_t time_us = probe->time_ns / US_NS;
    if (probe->first)
        p->totals.phase_us[PHASE_ECHO] = time_us;
    if (probe->overdue) {
        outcome_measure(&p->last, RESULT_TIMEOUT,
                        "the reply to seq=%" PRIu64 " took %.3f s: it is late (-W)", probe->seq,
                        (double)time_us / 1e6);
        ping_blame(p, 1);
    }
    ping_timeline_add_reply(&p->totals.timeline, ping_elapsed_us(p, probe->sent_ns / US_NS),
                            time_us, probe->overdue);
    output_ping_reply(p->options, &p->session, probe, p->options->size_bytes);
}

enum ledger_reply ping_take_reply(struct ping *p, uint64_t seq, uint64_t now_us)
{
    struct probe probe;
    enum ledger_reply reply = probes_receive(&p->totals.probes, seq, now_us * US_NS, &probe);
    switch (reply) {
    case LEDGER_ANSWERED:
        take_answer(p, &probe);
        break;
    case LEDGER_DUPLICATE:
        output_ping_duplicate(p->options, seq);
        break;
    case LEDGER_UNKNOWN:
        break;
    }
    return reply;
}

void ping_take_wrong(struct ping *p)
{
    if (p->wrong.result == RESULT_OK)
        p->wrong = p->last;
}

static void expire_probes(struct ping *p)
{
    struct probe probe;
    while (ledger_expire(&p->totals.probes.ledger, clock_now_us() * US_NS, &probe))
        output_ping_overdue(p->options, &probe);
}

/* When nothing has come back for so long that nothing will; UINT64_MAX = never. */
static uint64_t silence_us(const struct ping *p)
{
    bool waits = p->totals.probes.ledger.on_way && p->options->idle_timeout_ms;
    return waits ? p->heard_us + p->options->idle_timeout_ms * 1000 : UINT64_MAX;
}

static void end_silence(struct ping *p)
{
    char known[DIAGNOSIS_TEXT_BYTES];
    if (!p->connected || clock_now_us() < silence_us(p))
        return;
    outcome_measure(&p->last, RESULT_TIMEOUT, "nothing came back for %.6g s (--idle-timeout)%s",
                    (double)p->options->idle_timeout_ms / 1e3, p->carrier->diagnose(p, known));
    if (!p->totals.probes.ledger.received && p->options->endpoint.scheme != ENDPOINT_UDP)
        outcome_advise(&p->last, "if it is not an echo server, use --check --expect none");
    ping_give_up(p);
}

/* Where a STAMP reflector records what arrives, duplicates and replies to them are waited for after
 * the last reply: twice the longest round trip, within -W. */
static uint64_t rest_us(const struct ping *p)
{
    if (p->datagram.flow.arrivals.state != STAMP_RECORD_USED)
        return 0;
    struct histogram_summary latency;
    histogram_summarize(probes_latency(&p->totals.probes), &latency);
    uint64_t rest_us = 2 * latency.max_ns / US_NS, limit_us = p->options->reply_timeout_ms * 1000;
    rest_us = rest_us > REST_LEAST_US ? rest_us : REST_LEAST_US;
    return rest_us < limit_us ? rest_us : limit_us;
}

/* Once all probes have been sent, and no reply is waited for. */
static void complete(struct ping *p)
{
    const struct ledger *ledger = &p->totals.probes.ledger;
    if (p->complete_us == UINT64_MAX && ping_all_sent(p) && ledger->overdue == ledger->on_way)
        p->complete_us = clock_now_us() + rest_us(p);
}

static bool is_complete(const struct ping *p)
{
    return clock_now_us() >= p->complete_us;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When a probe on its way is overdue next. */
static uint64_t expiry_us(const struct ping *p)
{
    uint64_t due_ns = ledger_due_ns(&p->totals.probes.ledger);
    return due_ns == UINT64_MAX ? UINT64_MAX : due_ns / US_NS + 1;
}

static void wait_for_any(struct ping *p)
{
    uint64_t due_us = ping_all_sent(p) || is_held(p) ? UINT64_MAX : p->due_us;
    due_us = earliest(due_us, earliest(expiry_us(p), silence_us(p)));
    due_us = p->runnable ? 0 : earliest(due_us, earliest(p->end_us, p->complete_us));

    struct session_wait wait = {.fd = p->connected ? p->fd : -1,
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
            p->carrier->move(p);
        expire_probes(p);
        end_silence(p);
        complete(p);
        if (output_flush(&err) < 0) {
            outcome_fail(&p->last, PHASE_LOCAL, &err);
            p->over = true;
        }
        if (!p->over && !is_complete(p))
            wait_for_any(p);
    }
}

/* Wrong bytes take precedence over any other failure. */
static void judge(const struct ping *p, struct outcome *ret)
{
    const struct ledger *ledger = &p->totals.probes.ledger;
    uint64_t bad = ledger->late + ledger->lost, good = ledger->received - ledger->late;
    bool local = p->last.result != RESULT_OK && p->last.phase == PHASE_LOCAL;
    if (!local && p->wrong.result != RESULT_OK) {
        *ret = p->wrong;
    } else if (local || (!good && p->last.result != RESULT_OK)) {
        *ret = p->last;
    } else if (bad) {
        outcome_measure(ret, RESULT_LOST,
                        "%" PRIu64 " of %" PRIu64 " probes late or lost; the last: %.400s", bad,
                        ledger->sent, p->last.error.text);
        ret->phase = p->last.phase;
    } else if (!good) {
        char known[DIAGNOSIS_TEXT_BYTES] = "";
        if (p->connected)
            p->carrier->diagnose(p, known);
        outcome_measure(ret, RESULT_TIMEOUT,
                        "ended before any reply, with %zu probes on their way%s", ledger->on_way,
                        known);
    }
}

static int prepare(struct ping *p, struct error *err)
{
    const struct options *options = p->options;
    uint64_t timeout_ns =
        options->reply_timeout_ms ? options->reply_timeout_ms * MS_NS : UINT64_MAX;
    if (probes_init(&p->totals.probes, timeout_ns, LEDGER_MAX, err) < 0 ||
        target_prepare(&p->target, err) < 0)
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
    struct ping p = {.options = options,
                     .carrier = endpoint_has_datagrams(options->endpoint.scheme) ? &ping_datagram
                                                                                 : &ping_stream,
                     .interim_fd = -1,
                     .complete_us = UINT64_MAX,
                     .last = *ret,
                     .wrong = *ret};
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
        ping_lose_overdue(&p); /* others had no time to be answered */
        judge(&p, ret);        /* while the connection is open, for the kernel's statistics */
        ping_disconnect(&p);
        ran = true;
    }
    session_keep(&p.session, ret);
    memcpy(p.session.phase_us, p.totals.phase_us, sizeof p.session.phase_us);
    p.totals.ended_us = clock_now_us();
    if (ran)
        write_page(&p, ret);
    output_ping(options, &p.session, &p.totals, ret);
    datagram_link_close(&p.datagram.link);
    session_close(&p.session);
    target_done(&p.target);
    probes_done(&p.totals.probes);
    if (p.interim_fd >= 0)
        close(p.interim_fd);
}
