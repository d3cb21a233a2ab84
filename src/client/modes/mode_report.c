/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_report.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/report.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/tls/transport_tls.h"

/* A report comes by itself. What waits for bytes of ours instead is told after so long that there
 * are none; not at once, since some things in between end both ways when we end one. */
enum { PATIENCE_US = 2 * 1000 * 1000 };

struct reading {
    struct exchange exchange;
    char text[REPORT_BYTES_MAX];
    size_t n;
};

static void keep(struct reading *r)
{
    struct buf *in = &r->exchange.in;
    size_t room = sizeof r->text - r->n;
    size_t n = buf_waiting(in) < room ? buf_waiting(in) : room;
    memcpy(r->text + r->n, in->data + in->start, n);
    r->n += n;
    buf_take(in, buf_waiting(in));
}

/* Until the server has ended, or more has come than a report can have; no longer than limit_us,
 * 0 = for ever. */
static int read_all(struct reading *r, uint64_t limit_us, struct error *err)
{
    struct exchange *x = &r->exchange;
    uint64_t due_us = exchange_due_us(x, limit_us);
    uint64_t patient_until_us =
        exchange_due_us(x, limit_us && limit_us < 2 * PATIENCE_US ? limit_us / 2 : PATIENCE_US);
    while (x->state == EXCHANGE_OPEN && r->n < sizeof r->text) {
        unsigned want = exchange_send(x) | exchange_receive(x);
        if (buf_waiting(&x->in)) {
            keep(r);
            continue;
        }
        if (x->state != EXCHANGE_OPEN)
            return 0;
        bool patient = !x->ending && r->n == 0;
        struct session_wait wait = {.fd = x->transport->fd,
                                    .want = want,
                                    .stop_fd = interrupt_fd(),
                                    .due_us = patient ? patient_until_us : due_us};
        int event = session_wait(&wait, err);
        if (event < 0)
            return -1;
        if (event == SESSION_STOPPED)
            return error_set(err, ERROR_INTERRUPTED, "interrupted before the report was complete");
        if (event == SESSION_DUE && patient)
            x->ending = true;
        else if (event == SESSION_DUE)
            exchange_expire(x, limit_us);
    }
    return 0;
}

static void look_here(const struct session *session, struct report_view *ret)
{
    struct peer peer;
    transport_peer(session->transport, &peer);
    address_text(&session->own, ret->source);
    address_text(&session->peer, ret->destination);
    ret->tls = peer.tls;
    snprintf(ret->version, sizeof ret->version, "%s", peer.version);
    snprintf(ret->cipher, sizeof ret->cipher, "%s", peer.cipher);
    snprintf(ret->group, sizeof ret->group, "%s", peer.group);
    snprintf(ret->signature, sizeof ret->signature, "%s", peer.signature);
    snprintf(ret->sni, sizeof ret->sni, "%s", peer.sni);
    snprintf(ret->alpn, sizeof ret->alpn, "%s", peer.alpn);
    snprintf(ret->certificate, sizeof ret->certificate, "%s", peer.certificate.sha256);
    transport_tls_exporter(session->transport, ret->exporter);
    transport_tls_own_sha256(session->transport, ret->client_certificate);
}

/* What came, and what it means. False if it is no report. */
static bool read_report(struct reading *r, const struct session *session, struct report *report,
                        struct outcome *ret)
{
    struct exchange *x = &r->exchange;
    const struct options *options = session->target->options;
    struct error err = {.alert = -1};
    if (exchange_init(x, session->transport, EXPECT_NONE, &err) < 0) {
        outcome_fail(ret, PHASE_LOCAL, &err);
        return false;
    }
    if (read_all(r, options->idle_timeout_ms * 1000, &err) < 0) {
        outcome_fail(ret, PHASE_ECHO, &err);
        return false;
    }
    exchange_judge(x, false, ret);
    if (ret->result == RESULT_OK && r->n == 0)
        outcome_measure(ret, RESULT_TRUNCATED,
                        "the server sent no report: connect to a listener with `service: report`");
    if (ret->result == RESULT_OK && report_parse(r->text, r->n, report, &err) < 0)
        outcome_measure(ret, RESULT_CORRUPT, "%s", err.text);
    return ret->result == RESULT_OK;
}

static void expect_direct(const struct options *options, const struct report_verdict *verdict,
                          struct outcome *ret)
{
    if (options->expect_direct && !report_is_direct(verdict->path))
        outcome_measure(ret, RESULT_UNTRUSTED, "%s (--expect-direct)",
                        report_path_text(verdict->path));
}

void mode_report(const struct options *options, struct outcome *ret)
{
    struct target target;
    struct session session;
    struct report report = {0};
    struct report_verdict verdict;
    struct error err = {.alert = -1};
    struct reading *r = calloc(1, sizeof *r);

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool opened = r && session_open(&session, &err) == 0;
    output_session(options, &session);
    bool reported = false;
    if (!r) {
        error_sys(&err, "memory for a report");
        outcome_fail(ret, PHASE_LOCAL, &err);
    } else if (!opened) {
        outcome_fail_to_open(ret, session.phase, &err, options);
    } else if ((reported = read_report(r, &session, &report, ret))) {
        look_here(&session, &report.here);
        report_judge(&report, &verdict);
        expect_direct(options, &verdict, ret);
    }
    session_keep(&session, ret);
    struct output_report came = {.report = NULL};
    if (reported)
        came = (struct output_report){&report, &verdict, r->text, r->n};
    output_report(options, &session, &came, ret);
    if (r)
        exchange_done(&r->exchange);
    free(r);
    session_close(&session);
    target_done(&target);
}
