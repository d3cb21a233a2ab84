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
    datagram_link_judge(error, &s->peer, ask->request_bytes, s->target->options, outcome);
}

/* Each attempt may tell of an error that an earlier datagram met. */
static bool ask_once(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome)
{
    struct error err = {.alert = -1};
    const struct datagram item = {.data = ask->request, .length = ask->request_bytes};
    for (int i = 0; i < SEND_ATTEMPTS; i++) {
        ask->sent_us = clock_now_us();
        if (datagram_send(link->socket, &item, 1, &err).status == DATAGRAM_OK)
            return true;
    }
    struct datagram_error error = {.code = err.code ? err.code : EAGAIN, .local = true};
    judge(link, &error, ask, outcome);
    return false;
}

/* Whether an error ended it: false if the next address has been asked, or there was none. */
static bool has_failed(struct datagram_link *link, struct datagram_ask *ask,
                       struct outcome *outcome)
{
    struct datagram_error error;
    if (!datagram_take_error(link->socket, &error))
        return false;
    if (error.code != EMSGSIZE && datagram_link_try_next(link))
        return !ask_once(link, ask, outcome);
    judge(link, &error, ask, outcome);
    return true;
}

static bool receive(struct datagram_link *link, struct datagram_ask *ask)
{
    struct error ignored; /* told by datagram_take_error */
    struct datagram item = {.data = ask->answer, .size = DATAGRAM_BYTES_MAX};
    if (datagram_receive(link->socket, &item, 1, &ignored).status != DATAGRAM_OK)
        return false;
    ask->answer_bytes = item.length;
    ask->received_us = datagram_link_received_us(&item);
    return true;
}

static bool await(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome)
{
    struct error err = {.alert = -1};
    uint64_t due_us = ask->limit_us ? clock_now_us() + ask->limit_us : UINT64_MAX;
    for (;;) {
        if (receive(link, ask))
            return true;
        if (has_failed(link, ask, outcome))
            return false;
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
    struct error err = {.alert = -1};
    if (datagram_link_open(link, &err) < 0) {
        outcome_fail_to_open(outcome, link->session->phase, &err, link->session->target->options);
        return false;
    }
    return ask_once(link, ask, outcome) && await(link, ask, outcome);
}
