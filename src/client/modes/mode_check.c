/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check_datagram.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_check.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/payload.h"
#include "tlsecho/client/session_peer.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/tls/tls_chain.h"
#include "tlsecho/tls/transport_tls.h"

enum {
    PROBE_BYTES = 64,
    DAY_S = 24 * 60 * 60,
    /* How long to wait for the end of a server that is sent nothing. On TLS 1.3 it refuses a
     * client certificate only now; other servers may not end at all. */
    FAREWELL_US = 2 * 1000 * 1000,
};

static bool is_done(const struct exchange *x)
{
    if (x->state != EXCHANGE_OPEN)
        return true;
    if (x->expect.kind == EXPECT_NONE)
        return x->received_bytes > 0;
    return !buf_waiting(&x->out) && !x->flushing && !expect_missing(&x->expect);
}

/* Waits until the bytes are back or the server has ended; if nothing is expected, until anything
 * comes; for at most limit_us (0 = no limit), even if the server keeps sending. */
static int await(struct exchange *x, uint64_t limit_us, struct error *err)
{
    uint64_t due_us = exchange_due_us(x, limit_us);
    for (;;) {
        unsigned want = exchange_send(x) | exchange_receive(x);
        bool received = buf_waiting(&x->in);
        buf_take(&x->in, buf_waiting(&x->in));
        if (is_done(x))
            return 0;
        if (received)
            continue;
        struct session_wait wait = {
            .fd = x->transport->fd, .want = want, .stop_fd = interrupt_fd(), .due_us = due_us};
        int event = session_wait(&wait, err);
        if (event < 0)
            return -1;
        if (event != SESSION_READY && x->expect.kind == EXPECT_NONE)
            return 0;
        if (event == SESSION_STOPPED)
            return error_set(err, ERROR_INTERRUPTED, "interrupted before every byte came back");
        if (event == SESSION_DUE)
            exchange_expire(x, limit_us);
    }
}

/* A line of letters, since some servers echo only whole lines of text. */
static void write_line(struct buf *out)
{
    payload_fill(out->data, PROBE_BYTES, (uint64_t)time(NULL), 0);
    for (int i = 0; i < PROBE_BYTES; i++)
        out->data[i] = (unsigned char)('a' + out->data[i] % 26);
    out->data[PROBE_BYTES - 1] = '\n';
    out->end = PROBE_BYTES;
}

static void talk(struct exchange *x, const struct options *options, struct outcome *ret)
{
    struct error err;
    uint64_t limit_us = options->idle_timeout_ms * 1000;
    if (x->expect.kind == EXPECT_NONE) {
        x->ending = true;
        limit_us = !limit_us || limit_us > FAREWELL_US ? FAREWELL_US : limit_us;
    } else {
        write_line(&x->out);
    }
    if (await(x, limit_us, &err) < 0)
        outcome_fail(ret, PHASE_ECHO, &err);
    else
        exchange_judge(x, false, ret);
    if (x->expect.kind == EXPECT_NONE && ret->result == RESULT_TRUNCATED)
        *ret = (struct outcome){
            .error = {.alert = -1}}; /* nothing was sent, so that nothing is missing */
    const char *remedy = exchange_remedy(x, ret);
    if (remedy)
        outcome_advise(ret, remedy);
}

static void note_expiry(const struct peer_certificate *certificate, struct check_expiry *ret)
{
    if (ret->known && certificate->not_after >= ret->not_after)
        return;
    ret->known = true;
    ret->not_after = certificate->not_after;
    snprintf(ret->subject, sizeof ret->subject, "%s", certificate->subject);
    int64_t left_s = ret->not_after - time(NULL);
    ret->days = left_s / DAY_S - (left_s % DAY_S < 0);
}

static bool contains(const struct tls_chain *chain, const struct peer_certificate *certificate)
{
    for (size_t i = 0; i < chain->count; i++)
        if (strcmp(chain->certificates[i].about.sha256, certificate->sha256) == 0)
            return true;
    return false;
}

/* Of the certificates that were verified, trust anchor included; if none was, of those sent. */
static void find_expiry(const struct session *session, struct check_report *report)
{
    struct tls_chain sent, path;
    struct error ignored; /* no memory: unknown */
    if (session_peer_chain(session, &sent, &ignored) < 0)
        return;
    if (session_peer_path(session, &path, &ignored) == 0) {
        const struct tls_chain *judged = path.count ? &path : &sent;
        for (size_t i = 0; i < judged->count; i++)
            note_expiry(&judged->certificates[i].about, &report->expiry);
        for (size_t i = 0; i < sent.count; i++)
            if (!contains(judged, &sent.certificates[i].about))
                note_expiry(&sent.certificates[i].about, &report->unneeded);
    }
    tls_chain_done(&path);
    tls_chain_done(&sent);
}

/* days: 0 = no limit. */
static bool expires_within(const struct check_expiry *expiry, uint64_t days)
{
    return days && expiry->days < (int64_t)days;
}

/* Only if everything else is ok: an error is more important. */
static void judge_expiry(const struct check_report *report, struct outcome *ret)
{
    const struct check_expiry *expiry = &report->expiry;
    const struct options *options = report->options;
    char end[CLOCK_TEXT_BYTES];
    if (!expiry->known || ret->result != RESULT_OK)
        return;
    ret->warning = expires_within(expiry, options->expiry_warn_days);
    if (!expires_within(expiry, options->expiry_crit_days))
        return;
    clock_seconds_text(expiry->not_after, end);
    outcome_measure(ret, RESULT_EXPIRED,
                    "the certificate \"%s\" expires in %" PRId64
                    " days, on %s: --expiry-crit is %" PRIu64,
                    expiry->subject, expiry->days, end, options->expiry_crit_days);
    ret->phase = PHASE_HANDSHAKE;
}

/* Over a connection. */
static void check_stream(struct session *session, struct exchange *x, struct outcome *ret)
{
    const struct options *options = session->target->options;
    struct error err = {.alert = -1};
    bool opened = session_open(session, &err) == 0;
    output_session(options, session);
    if (!opened)
        outcome_fail_to_open(ret, session->phase, &err, options);
    else if (exchange_init(x, session->transport, options->expect, &err) < 0)
        outcome_fail(ret, PHASE_LOCAL, &err);
    else
        talk(x, options, ret);
}

/* What fails once fails again. */
static bool is_final(enum result result)
{
    return result == RESULT_USAGE || result == RESULT_DNS || result == RESULT_LOCAL_IO;
}

/* One connection after the other, until all have been, or an interrupt, which makes no connection
 * but the first fail. The last one stays open; *x has the bytes of all. */
static void check_in_a_row(struct session *session, struct exchange *x, struct check_report *report,
                           struct outcome *ret)
{
    struct check_series *series = &report->series;
    uint64_t started_us = session->started_us, sent = 0, received = 0;
    for (bool go_on = true; go_on && series->connections < series->wanted;) {
        struct outcome one = {.error = {.alert = -1}};
        if (series->connections) {
            exchange_done(x);
            *x = (struct exchange){.sent_bytes = 0};
            session_close(session);
        }
        check_stream(session, x, &one);
        sent += x->sent_bytes;
        received += x->received_bytes;
        go_on = !interrupt_happened() && !is_final(one.result);
        if (interrupt_happened() && one.result != RESULT_OK && series->connections)
            break;
        find_expiry(session, report);
        check_series_add(series, session, x, &one, ret);
    }
    session->started_us = started_us;
    x->sent_bytes = sent;
    x->received_bytes = received;
    check_series_judge(series, session->target->options->resume, ret);
}

void mode_check(const struct options *options, struct outcome *ret)
{
    struct target target;
    struct session session;
    struct datagram_link link = {.session = &session};
    struct exchange exchange = {0};
    struct check_report report = {.options = options,
                                  .session = &session,
                                  .exchange = &exchange,
                                  .series.wanted = options->count};
    struct error err = {.alert = -1};

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool prepared = target_prepare(&target, &err) == 0;
    session.started_us = clock_now_us(); /* without the time to read our own files */
    if (!prepared)
        outcome_fail_to_open(ret, session.phase, &err, options);
    else if (endpoint_has_datagrams(options->endpoint.scheme))
        check_datagram(&link, options->idle_timeout_ms * 1000, &exchange, ret);
    else if (options->count)
        check_in_a_row(&session, &exchange, &report, ret);
    else
        check_stream(&session, &exchange, ret);
    if (exchange.first_sent_us && exchange.first_echo_us >= exchange.first_sent_us)
        session.phase_us[PHASE_ECHO] = exchange.first_echo_us - exchange.first_sent_us;

    report.duration_us = clock_now_us() - session.started_us;
    find_expiry(&session, &report);
    judge_expiry(&report, ret);
    session_keep(&session, ret);
    output_check(&report, ret);
    check_series_done(&report.series);
    exchange_done(&exchange);
    datagram_link_close(&link);
    session_close(&session);
    target_done(&target);
}
