/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_ask.h"

#include <errno.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/session_wait.h"

enum { SEND_ATTEMPTS = 3 };

static void judge(const struct datagram_link *link, const struct datagram_error *error,
                  const struct datagram_ask *ask, struct outcome *outcome)
{
    const struct session *s = link->session;
    const struct datagram_attempt attempt = {
        .socket = link->socket, .peer = &s->peer, .bytes = ask->request_bytes};
    datagram_link_judge(error, &attempt, s->target->options, outcome);
}

/* Whether it was sent; each attempt may tell of an error that an earlier datagram met. */
static bool ask_once(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome)
{
    struct datagram_error error = {.code = EAGAIN, .local = true};
    enum datagram_link_event event = DATAGRAM_LINK_WAIT;
    for (int i = 0; i < SEND_ATTEMPTS && event != DATAGRAM_LINK_ENDED; i++) {
        ask->sent_us = clock_now_us();
        event = datagram_link_send(link, ask->request, ask->request_bytes, &error);
        if (event == DATAGRAM_LINK_DONE)
            return true;
    }
    if (event == DATAGRAM_LINK_ENDED)
        datagram_link_judge_end(link->socket, link->session->target->options, outcome);
    else
        judge(link, &error, ask, outcome);
    return false;
}

/* Whether the error ended it: false if the next address has been asked. */
static bool ends(struct datagram_link *link, const struct datagram_error *error,
                 struct datagram_ask *ask, struct outcome *outcome)
{
    if (error->code != EMSGSIZE && datagram_link_try_next(link))
        return !ask_once(link, ask, outcome);
    judge(link, error, ask, outcome);
    return true;
}

enum progress { ANSWERED, WAITING, ENDED };

static enum progress receive(struct datagram_link *link, struct datagram_ask *ask,
                             struct outcome *outcome)
{
    struct datagram item = {.data = ask->answer, .size = DATAGRAM_BYTES_MAX};
    struct datagram_error error;
    for (;;) {
        switch (datagram_link_receive(link, &item, &error)) {
        case DATAGRAM_LINK_DONE:
            ask->answer_bytes = item.length;
            ask->received_us = datagram_link_received_us(&item);
            return ANSWERED;
        case DATAGRAM_LINK_WAIT:
            return WAITING;
        case DATAGRAM_LINK_ERROR:
            if (ends(link, &error, ask, outcome))
                return ENDED;
            break;
        case DATAGRAM_LINK_ENDED:
            datagram_link_judge_end(link->socket, link->session->target->options, outcome);
            return ENDED;
        }
    }
}

static bool await(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome)
{
    struct error err = {.alert = -1};
    uint64_t due_us = ask->limit_us ? clock_now_us() + ask->limit_us : UINT64_MAX;
    for (;;) {
        enum progress progress = receive(link, ask, outcome);
        if (progress != WAITING)
            return progress == ANSWERED;
        struct session_wait wait = {
            .fd = link->socket->fd, .want = WANT_READ, .stop_fd = interrupt_fd(), .due_us = due_us};
        int event = session_wait(&wait, &err);
        if (event == SESSION_READY)
            continue;
        if (event == SESSION_DUE)
            outcome_measure(outcome, RESULT_TIMEOUT, "no answer within %.6g s",
                            (double)ask->limit_us / 1e6);
        else if (event == SESSION_STOPPED)
            outcome_measure(outcome, RESULT_TIMEOUT, "interrupted before an answer came");
        else
            outcome_fail(outcome, PHASE_LOCAL, &err);
        return false;
    }
}

bool datagram_ask(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome)
{
    return ask_once(link, ask, outcome) && await(link, ask, outcome);
}
