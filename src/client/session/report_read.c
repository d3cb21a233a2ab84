/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/report_read.h"

#include <stdio.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/session_peer.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/tls/transport_tls.h"

/* A report comes without a request. A server that waits for data instead gets our half-close after
 * this time; not at once, since some proxies close both directions when one is closed. */
enum { PATIENCE_US = 2 * 1000 * 1000 };

static void keep(struct report_reading *r, struct exchange *x)
{
    struct buf *in = &x->in;
    size_t room = sizeof r->text - r->n;
    size_t n = buf_waiting(in) < room ? buf_waiting(in) : room;
    memcpy(r->text + r->n, in->data + in->start, n);
    r->n += n;
    buf_take(in, buf_waiting(in));
}

/* Until the server has ended, or more has come than a report can have; no longer than limit_us,
 * 0 = for ever. */
static int read_all(struct report_reading *r, struct exchange *x, uint64_t limit_us,
                    struct error *err)
{
    uint64_t due_us = exchange_due_us(x, limit_us);
    uint64_t patient_until_us =
        exchange_due_us(x, limit_us && limit_us < 2 * PATIENCE_US ? limit_us / 2 : PATIENCE_US);
    while (x->state == EXCHANGE_OPEN && r->n < sizeof r->text) {
        unsigned want = exchange_send(x) | exchange_receive(x);
        if (buf_waiting(&x->in)) {
            keep(r, x);
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

void report_look_here(const struct session *session, struct report_view *ret)
{
    struct peer peer;
    session_peer(session, &peer);
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
    session_peer_exporter(session, ret->exporter);
    session_peer_own_sha256(session, ret->client_certificate);
}

static void look_at_syn(const struct session *session, struct report_syn *ret)
{
    ret->has_sent = syn_sent_read(session->transport->fd, &ret->sent);
    ret->age_us = clock_now_us() - session->started_us;
}

/* What came, and what it means. */
static void read_whole(struct report_reading *r, struct exchange *x, uint64_t limit_us,
                       struct report *report, struct outcome *ret)
{
    struct error err = {.alert = -1};
    if (read_all(r, x, limit_us, &err) < 0) {
        outcome_fail(ret, PHASE_ECHO, &err);
        return;
    }
    exchange_judge(x, false, ret);
    if (ret->result == RESULT_OK && r->n == 0)
        outcome_measure(ret, RESULT_TRUNCATED,
                        "the server sent no report: connect to a listener with `service: report`");
    if (ret->result != RESULT_OK || report_parse(r->text, r->n, report, &err) == 0)
        return;
    if (err.kind == ERROR_SYSTEM)
        outcome_fail(ret, PHASE_LOCAL, &err);
    else
        outcome_measure(ret, RESULT_CORRUPT, "%s", err.text);
}

bool report_read(struct report_reading *r, const struct session *session, uint64_t limit_us,
                 struct report *ret, struct outcome *outcome)
{
    struct exchange x;
    struct error err = {.alert = -1};
    r->n = 0;
    if (exchange_init(&x, session->transport, EXPECT_NONE, &err) < 0) {
        outcome_fail(outcome, PHASE_LOCAL, &err);
        return false;
    }
    read_whole(r, &x, limit_us, ret, outcome);
    exchange_done(&x);
    if (outcome->result != RESULT_OK)
        return false;
    report_look_here(session, &ret->here);
    look_at_syn(session, &ret->syn);
    return true;
}
