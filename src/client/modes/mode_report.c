/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/client/datagram_ask.h"
#include "tlsecho/client/mode.h"
#include "tlsecho/client/output_report.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/client/report_read.h"
#include "tlsecho/net/socket.h"

enum { REQUEST_BYTES = 1200 };

/* Of a connection. */
static bool read_stream(struct report_reading *r, struct session *session, struct report *report,
                        struct outcome *ret)
{
    const struct options *options = session->target->options;
    struct error err = {.alert = -1};
    bool opened = session_open(session, &err) == 0;
    output_session(options, session);
    if (!opened) {
        outcome_fail_to_open(ret, session->phase, &err, options);
        return false;
    }
    return report_read(r, session, options->idle_timeout_ms * 1000, report, ret);
}

static void refuse_answer(const struct error *err, struct outcome *ret)
{
    if (err->kind == ERROR_SYSTEM)
        outcome_fail(ret, PHASE_LOCAL, err);
    else
        outcome_measure(ret, RESULT_CORRUPT,
                        "what the server sent is no report: ask a listener with `service: report`");
}

/* What came by a datagram, beside our addresses and what the request was sent with. */
static void take_answer(struct report_reading *r, const struct datagram_ask *ask,
                        const struct datagram_link *link, struct report *report,
                        struct outcome *ret)
{
    const struct session *session = link->session;
    struct error err = {.alert = -1};
    r->n = ask->answer_bytes < sizeof r->text ? ask->answer_bytes : sizeof r->text;
    memcpy(r->text, ask->answer, r->n);
    if (report_parse(r->text, r->n, report, &err) < 0) {
        refuse_answer(&err, ret);
        return;
    }
    report_look_here(session, &report->here);
    socket_get_marks(link->socket->fd, &report->sent.ttl, &report->sent.dscp);
    report->sent.ecn = 0; /* Linux marks UDP only where it is asked to */
}

/* Asks by one datagram, which is padded since no answer is longer than its request. */
static bool ask_datagram(struct report_reading *r, struct datagram_link *link,
                         struct report *report, struct outcome *ret)
{
    static unsigned char request[REQUEST_BYTES], answer[DATAGRAM_BYTES_MAX];
    struct datagram_ask ask = {.request = request,
                               .request_bytes = sizeof request,
                               .answer = answer,
                               .limit_us = link->session->target->options->idle_timeout_ms * 1000};
    if (datagram_ask(link, &ask, ret))
        take_answer(r, &ask, link, report, ret);
    return ret->result == RESULT_OK;
}

static bool read_datagram(struct report_reading *r, struct datagram_link *link,
                          struct report *report, struct outcome *ret)
{
    const struct session *session = link->session;
    struct error err = {.alert = -1};
    bool opened = datagram_link_open(link, &err) == 0;
    output_session(session->target->options, session);
    if (!opened)
        outcome_fail_to_open(ret, session->phase, &err, session->target->options);
    bool reported = opened && ask_datagram(r, link, report, ret);
    datagram_link_end(link);
    return reported;
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
    struct report_reading *r = calloc(1, sizeof *r);
    struct datagram_link link = {.session = &session};
    bool datagrams = endpoint_has_datagrams(options->endpoint.scheme);

    target_init(&target, options, &options->endpoint);
    session_init(&session, &target);
    bool reported = false;
    if (!r) {
        error_sys(&err, "memory for a report");
        outcome_fail(ret, PHASE_LOCAL, &err);
    } else {
        reported = datagrams ? read_datagram(r, &link, &report, ret)
                             : read_stream(r, &session, &report, ret);
    }
    if (reported) {
        report_judge(&report, &verdict);
        expect_direct(options, &verdict, ret);
    }
    session_keep(&session, ret);
    struct output_report received = {.report = NULL};
    if (reported)
        received = (struct output_report){&report, &verdict, r->text, r->n};
    output_report(options, &session, &received, ret);
    free(r);
    datagram_link_close(&link);
    session_close(&session);
    target_done(&target);
}
