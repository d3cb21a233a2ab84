/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "check_datagram.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/bench_plan.h"
#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_bench.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/tls/transport_tls.h"

enum { SIDES = 2, ROUNDS = 2, TICKET_WITHIN_MS = 1000, LOOKS = 3, LOOK_WITHIN_US = 1000000 };

/* One or two servers under the same load. */
struct compare {
    const struct options *options;
    size_t count;
    struct bench_load load; /* of a round */
    size_t rounds[SIDES];   /* that were begun */
    struct target targets[SIDES];
    struct session sessions[SIDES];
    struct datagram_link links[SIDES]; /* of the sessions, over UDP and DTLS */
    struct bench_report reports[SIDES];
    struct bench_watch watch;
};

/* In order. On TLS 1.3 a session ticket follows the handshake and must be read (RFC 8446 §4.6.1);
 * the server's end comes after it. */
static void end_session(struct session *session)
{
    static unsigned char dropped[4096];
    struct error ignored;
    struct session_wait wait = {.fd = session->transport->fd,
                                .want = WANT_READ,
                                .stop_fd = interrupt_fd(),
                                .due_us = clock_now_us() + TICKET_WITHIN_MS * 1000};
    struct io io;
    transport_tls_close_notify(session->transport, &ignored);
    do
        io = transport_read(session->transport, dropped, sizeof dropped, &ignored);
    while (clock_now_us() < wait.due_us && !interrupt_happened() &&
           (io.status == IO_OK ||
            (io.status == IO_WANT_READ && session_wait(&wait, &ignored) == SESSION_READY)));
    transport_hang_up(session->transport);
}

/*
 * Opens the first connection before the others, so that a wrong name, address or certificate is
 * reported once, as in other modes. Then it is used for the load, unless it was opened to obtain a
 * session to resume, or handshakes are to begin only at --start-at.
 */
static void open_first(struct compare *c, size_t side)
{
    struct bench_report *report = &c->reports[side];
    struct session *session = report->session;
    struct error err = {.alert = -1};
    if (session_open(session, &err) < 0)
        outcome_fail_to_open(&report->outcome, session->phase, &err, report->options);
    output_session(report->options, session);
    if (report->outcome.result != RESULT_OK)
        return;
    if (report->options->resume || (c->load.handshakes && c->load.start_at_us))
        end_session(session);
    else
        c->watch.first = session;
}

/* Likewise over UDP, where nothing is connected: one datagram has to come back, in a few attempts
 * since any may be lost. Where none is expected back, the address alone can be wrong. */
static void open_first_datagram(struct compare *c, size_t side)
{
    struct bench_report *report = &c->reports[side];
    struct datagram_link *link = &c->links[side];
    struct exchange ignored = {.sent_bytes = 0};
    for (int i = 0; i < LOOKS && !interrupt_happened(); i++) {
        report->outcome = (struct outcome){.error = {.alert = -1}};
        check_datagram(link, LOOK_WITHIN_US, &ignored, &report->outcome);
        if (report->outcome.result != RESULT_TIMEOUT)
            return;
    }
}

/* What was lost makes no failure of a round: there is more to measure. */
static void keep_loss(struct bench_report *report, const struct bench_measure *round)
{
    enum result result = report->outcome.result;
    bool is_loss =
        result == RESULT_TIMEOUT || result == RESULT_REFUSED || result == RESULT_UNREACHABLE;
    if (!round->lost || !is_loss)
        return;
    if (report->first_loss.result == RESULT_OK)
        report->first_loss = report->outcome;
    report->outcome = (struct outcome){.error = {.alert = -1}};
}

static void run_round(struct compare *c, size_t side)
{
    struct bench_report *report = &c->reports[side];
    struct bench_measure round;
    struct error err = {.alert = -1};
    if (report->outcome.result != RESULT_OK || interrupt_happened())
        return;
    c->rounds[side]++;
    c->watch.context = report;
    report->wanted_connections += c->load.connections;
    if (bench_measure_init(&round, &err) < 0) {
        outcome_fail(&report->outcome, PHASE_LOCAL, &err);
        return;
    }
    if (bench_run(&c->load, report->session->target, &c->watch, &round, &report->outcome) == 0 &&
        bench_measure_append(&report->measure, &round, &err) < 0)
        outcome_fail(&report->outcome, PHASE_LOCAL, &err);
    keep_loss(report, &round);
    bench_measure_done(&round);
    c->watch.first = NULL;
    output_bench_progress_end(c->options);
}

/* Two servers have two rounds each, as A B B A, so that a steady change of the machine's load
 * affects both equally. */
static void run(struct compare *c)
{
    static const size_t order[] = {0, 1, 1, 0};
    for (size_t i = 0; i < (c->count == 1 ? 1 : sizeof order / sizeof *order); i++) {
        if (i > 0 && interrupt_happened())
            return;
        if (i < c->count)
            endpoint_has_datagrams(c->targets[order[i]].endpoint->scheme)
                ? open_first_datagram(c, order[i])
                : open_first(c, order[i]);
        if (c->reports[order[i]].outcome.result != RESULT_OK)
            return;
        run_round(c, order[i]);
    }
}

static void halve(struct bench_load *load)
{
    load->messages = (load->messages + 1) / 2;
    load->measured_ns = load->messages && load->rate > 0
                            ? bench_plan_schedule_ns(load->messages, load->rate)
                            : load->measured_ns / 2;
}

static int prepare(struct compare *c, struct error *err)
{
    struct bench_load load;
    if (bench_plan(c->options, &load, err) < 0)
        return -1;
    c->load = load;
    if (c->count == SIDES)
        halve(&c->load);
    for (size_t i = 0; i < c->count; i++) {
        struct bench_report *report = &c->reports[i];
        report->load = load;
        if (bench_measure_init(&report->measure, err) < 0 ||
            target_prepare(&c->targets[i], err) < 0)
            return -1;
    }
    return 0;
}

static void init(struct compare *c, const struct options *options, const struct outcome *outcome)
{
    const struct endpoint *endpoints[SIDES] = {&options->endpoint, &options->other};
    const size_t count = options->compares ? SIDES : 1;
    *c = (struct compare){
        .options = options,
        .count = count,
        .watch = {.interrupt_fd = interrupt_fd(), .progress = output_bench_progress},
    };
    for (size_t i = 0; i < count; i++) {
        target_init(&c->targets[i], options, endpoints[i]);
        session_init(&c->sessions[i], &c->targets[i]);
        c->links[i].session = &c->sessions[i];
        c->reports[i] = (struct bench_report){.options = options,
                                              .session = &c->sessions[i],
                                              .resumes = options->resume,
                                              .outcome = *outcome};
        endpoint_text(endpoints[i], c->reports[i].name);
    }
}

static void done(struct compare *c)
{
    for (size_t i = 0; i < c->count; i++) {
        bench_measure_done(&c->reports[i].measure);
        datagram_link_close(&c->links[i]);
        session_close(&c->sessions[i]);
        target_done(&c->targets[i]);
    }
}

/* Without a failure, a run that has measured nothing is not ok either. */
static void judge_measure(struct bench_report *report)
{
    const struct bench_measure *m = &report->measure;
    bool resume = report->options->handshakes && report->options->resume;
    if (report->outcome.result != RESULT_OK)
        return;
    if (m->lost && report->first_loss.result != RESULT_OK) {
        report->outcome = report->first_loss;
        if (m->messages)
            outcome_measure(&report->outcome, RESULT_LOST,
                            "%" PRIu64 " of %" PRIu64 " messages lost, the first: %.400s", m->lost,
                            m->lost + m->messages, report->first_loss.error.text);
        return;
    }
    bool whole =
        report->options->expect != EXPECT_NONE; /* a message counts when it has come back */
    if (m->elapsed_s <= 0 || (!m->messages && (whole || !m->received_bytes))) {
        outcome_measure(&report->outcome, RESULT_TIMEOUT, "%s",
                        interrupt_happened() ? "interrupted before anything was measured"
                                             : "nothing came back within the measured time");
    } else if (resume && m->connections && !m->resumed) {
        outcome_measure(&report->outcome, RESULT_HANDSHAKE,
                        "none of %" PRIu64 " handshakes resumed a session: the server issues no "
                        "tickets, or does not accept them",
                        m->connections);
        report->outcome.phase = PHASE_HANDSHAKE;
    }
}

/* The failure of one server ends the run of the other, which is only marked. */
static void judge_rounds(struct compare *c, size_t side)
{
    struct bench_report *report = &c->reports[side];
    bool failed = c->reports[SIDES - 1 - side].outcome.result != RESULT_OK;
    if (!failed || report->outcome.result != RESULT_OK)
        return;
    report->unmeasured = c->rounds[side] == 0;
    report->interrupted = c->rounds[side] < ROUNDS;
}

/* The first failure is the result. */
static void judge(struct compare *c, struct outcome *ret)
{
    struct error err = {.alert = -1};
    for (size_t i = 0; i < c->count; i++) {
        c->reports[i].interrupted = interrupt_happened();
        if (c->count == SIDES && !interrupt_happened())
            judge_rounds(c, i);
        if (!c->reports[i].unmeasured)
            judge_measure(&c->reports[i]);
        session_keep(&c->sessions[i], &c->reports[i].outcome);
    }
    for (size_t i = 0; i < c->count && ret->result == RESULT_OK; i++) {
        *ret = c->reports[i].outcome;
        if (c->count == SIDES && ret->result != RESULT_OK && ret->phase != PHASE_OPTIONS &&
            !interrupt_happened())
            error_prefix(&ret->error, "%s", c->reports[i].name);
    }
    if (c->options->report_html && c->reports[0].measure.elapsed_s > 0 &&
        output_html_bench(c->options->report_html, c->reports, c->count, &err) < 0 &&
        ret->result == RESULT_OK)
        outcome_fail(ret, PHASE_LOCAL, &err);
}

void mode_bench(const struct options *options, struct outcome *ret)
{
    struct compare c;
    struct error err = {.alert = -1};
    init(&c, options, ret);
    if (prepare(&c, &err) < 0)
        outcome_fail(&c.reports[0].outcome, PHASE_OPTIONS, &err);
    else
        run(&c);
    judge(&c, ret);
    output_bench(c.reports, c.count, ret);
    done(&c);
}
