/* SPDX-License-Identifier: MIT */
/* Each line is a datagram, or over DTLS a record: its reply may come late, more than once or never,
 * and an ICMP error may come instead. What is lost ends nothing. */
#include <errno.h>

#include "prompt_internal.h"
#include "prompt_lines.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/datagram_payload.h"
#include "tlsecho/client/output_lines.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/tls/dtls_session.h"

enum { SEND_ATTEMPTS = 3 }; /* each may tell of an error that an earlier datagram met */

#define US_NS UINT64_C(1000)

static void try_to_send(struct prompt *p, uint64_t seq);

/* Nothing listens at the first address, and the name has another: what is on its way goes there. */
static bool move_to_next_address(struct prompt *p)
{
    struct prompt_lines *s = prompt_lines_of(p);
    char before[ADDRESS_TEXT_BYTES], now[ADDRESS_TEXT_BYTES];
    struct probe oldest;
    address_text(&s->session.peer, before);
    if (s->answered || !datagram_link_try_next(&s->link))
        return false;
    address_text(&s->session.peer, now);
    prompt_lines_notice(p, "%s does not answer; trying %s", before, now);
    p->fd = s->link.socket->fd;
    if (ledger_oldest(prompt_lines_ledger(p), &oldest))
        for (uint64_t seq = oldest.seq; seq <= prompt_lines_ledger(p)->sent; seq++)
            try_to_send(p, seq);
    return true;
}

/* Which line it is about is not looked for: it is the last one, since each waits for its reply. */
static void take_error(struct prompt *p, const struct datagram_error *error)
{
    struct prompt_lines *s = prompt_lines_of(p);
    uint64_t seq = prompt_lines_ledger(p)->sent;
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    if (error->code != EMSGSIZE && move_to_next_address(p))
        return;
    const struct datagram_attempt attempt = {
        .socket = s->link.socket, .peer = &s->session.peer, .bytes = line ? line->bytes : 0};
    datagram_link_judge(error, &attempt, p->options, &s->last);
    prompt_lines_lose(p, seq);
    if (datagram_link_cannot_receive(error)) {
        s->ended = s->last;
        p->over = true;
    }
}

/* Of DTLS. In order is ok while nothing is awaited, as with a stream. */
static void end_session(struct prompt *p)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct outcome how = {.error = {.alert = -1}};
    datagram_link_judge_end(s->link.socket, p->options, &how);
    p->over = true;
    if (how.result == RESULT_TRUNCATED &&
        !(prompt_lines_are_compared(p) && prompt_lines_ledger(p)->on_way)) {
        prompt_lines_notice(p, "the server closed the session");
        return;
    }
    s->ended = how;
}

static void try_to_send(struct prompt *p, uint64_t seq)
{
    struct prompt_lines *s = prompt_lines_of(p);
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    struct datagram_error error;
    s->unsent_seq = 0;
    for (int i = 0; i < SEND_ATTEMPTS && ledger_is_on_way(prompt_lines_ledger(p), seq); i++) {
        switch (datagram_link_send(&s->link, line->data, line->bytes, &error)) {
        case DATAGRAM_LINK_DONE:
            s->totals.bytes_sent += line->bytes;
            return;
        case DATAGRAM_LINK_WAIT:
            s->unsent_seq = seq;
            return;
        case DATAGRAM_LINK_ERROR:
            take_error(p, &error);
            break;
        case DATAGRAM_LINK_ENDED:
            end_session(p);
            return;
        }
    }
}

static void move(struct prompt *p)
{
    static unsigned char in[DATAGRAM_BYTES_MAX];
    struct prompt_lines *s = prompt_lines_of(p);
    struct datagram_error error;
    enum datagram_link_event event;
    do {
        struct datagram item = {.data = in, .size = sizeof in};
        event = datagram_link_receive(&s->link, &item, &error);
        if (event == DATAGRAM_LINK_DONE)
            prompt_lines_take(p, &item);
        else if (event == DATAGRAM_LINK_ERROR)
            take_error(p, &error);
        else if (event == DATAGRAM_LINK_ENDED)
            end_session(p);
    } while (event == DATAGRAM_LINK_DONE && !p->over); /* an error may last */
    if (s->unsent_seq)
        try_to_send(p, s->unsent_seq);
    p->want = s->unsent_seq ? WANT_READ | WANT_WRITE : WANT_READ;
}

/* For as long as the next line waits for it. */
static void await_reply(struct prompt *p, uint64_t seq)
{
    char text[PROMPT_LINES_TEXT_BYTES];
    uint64_t patience_us = clock_now_us() + PROMPT_PATIENCE_US;
    for (;;) {
        struct probe ignored;
        move(p);
        if (p->over || !ledger_is_on_way(prompt_lines_ledger(p), seq) ||
            (!prompt_lines_are_compared(p) && prompt_lines_of(p)->unsent_seq != seq))
            return;
        if (ledger_expire(prompt_lines_ledger(p), clock_now_us() * US_NS, &ignored))
            break;
        prompt_wait(p, false,
                    patience_us < prompt_lines_loss_us(p) ? patience_us : prompt_lines_loss_us(p));
    }
    prompt_lines_notice(p, "no reply to \"%s\" yet; if it is not an echo server, use --expect none",
                        prompt_lines_text(p, seq, text));
}

static void send_line(struct prompt *p, const char *line, size_t n)
{
    size_t most = prompt_lines_of(p)->session.dtls ? DTLS_DATA_MAX : DATAGRAM_PAYLOAD_MAX;
    if (n > most) {
        prompt_lines_notice(p, "a datagram has at most %zu bytes: the line of %zu was not sent",
                            most, n);
        return;
    }
    if (!prompt_lines_keep(p, line, n))
        return;
    try_to_send(p, prompt_lines_ledger(p)->sent);
    await_reply(p, prompt_lines_ledger(p)->sent);
}

static uint64_t due_us(const struct prompt *p)
{
    return prompt_lines_are_compared(p) ? prompt_lines_loss_us(p) : UINT64_MAX;
}

static void expire(struct prompt *p)
{
    if (prompt_lines_are_compared(p))
        prompt_lines_lose_old(p);
}

static const struct prompt_carrier carrier = {.move = move,
                                              .due_us = due_us,
                                              .expire = expire,
                                              .send = send_line,
                                              .end = prompt_lines_lose_all};

static void talk(struct prompt *p, struct outcome *ret)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct error err = {.alert = -1};
    enum expect_kind expect = p->options->expect;
    s->link = (struct datagram_link){.session = &s->session, .options = {.time = true}};
    bool opened = datagram_link_open(&s->link, &err) == 0;
    output_session(p->options, &s->session);
    if (!opened) {
        outcome_fail_to_open(ret, s->session.phase, &err, p->options);
        return;
    }
    p->fd = s->link.socket->fd;
    if (datagram_lines_init(&s->sent, PROMPT_PATIENCE_US * US_NS, expect, &p->error) < 0)
        p->failed = true;
    else
        prompt_run(p);
    if (p->failed)
        outcome_fail(ret, PHASE_LOCAL, &p->error);
    else
        prompt_lines_judge(p, ret);
}

void prompt_datagram(const struct options *options, struct outcome *ret)
{
    struct prompt_lines s = {.last = *ret,
                             .wrong = *ret,
                             .ended = *ret,
                             .totals.compared = options->expect != EXPECT_NONE};
    struct prompt p = {.options = options, .carrier = &carrier, .carried = &s};
    s.totals.ledger = &s.sent.ledger;
    s.lost_after_us = options->idle_timeout_ms ? options->idle_timeout_ms * 1000 : UINT64_MAX;
    target_init(&s.target, options, &options->endpoint);
    session_init(&s.session, &s.target);
    talk(&p, ret);
    datagram_link_end(&s.link);
    session_keep(&s.session, ret);
    output_lines(options, &s.session, &s.totals, ret);
    datagram_link_close(&s.link);
    datagram_lines_done(&s.sent);
    session_close(&s.session);
    target_done(&s.target);
}
