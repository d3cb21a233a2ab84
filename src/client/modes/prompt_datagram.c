/* SPDX-License-Identifier: MIT */
/* Each line is a datagram, or over DTLS a record: its reply may come late, more than once or never,
 * and an ICMP error may come instead. What is lost ends nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "prompt_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/datagram_lines.h"
#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/datagram_payload.h"
#include "tlsecho/client/output.h"
#include "tlsecho/client/output_lines.h"
#include "tlsecho/client/output_session.h"
#include "tlsecho/tls/dtls_session.h"

enum {
    SEND_ATTEMPTS = 3, /* each may tell of an error that an earlier datagram met */
    TEXT_BYTES = 48,   /* of a line in a message */
    NOTICE_BYTES = 256,
};

#define US_NS UINT64_C(1000)

struct lines {
    struct target target;
    struct session session;
    struct datagram_link link;
    struct datagram_lines sent;
    struct output_lines totals;
    uint64_t unsent_seq;    /* it waits for room in the socket; 0 = none does */
    uint64_t lost_after_us; /* UINT64_MAX = never */
    bool answered;          /* something came from the present address */
    struct outcome last;    /* the last failure */
    struct outcome wrong;   /* the first wrong reply; RESULT_OK = none */
    struct outcome ended;   /* how a DTLS session ended the prompt; RESULT_OK = it did not */
};

static struct lines *self(const struct prompt *p)
{
    return p->carried;
}

static struct ledger *ledger_of(const struct prompt *p)
{
    return &self(p)->sent.ledger;
}

/* Whether replies are compared with lines. */
static bool compares(const struct prompt *p)
{
    return p->options->expect != EXPECT_NONE;
}

/* A line for a message, without its line feed. */
static const char *text_of(const struct prompt *p, uint64_t seq, char ret[TEXT_BYTES])
{
    const struct datagram_line *line = datagram_lines_find(&self(p)->sent, seq);
    size_t n = line ? line->bytes : 0;
    if (n && line->data[n - 1] == '\n')
        n--;
    text_copy(line ? line->data : NULL, n, ret, TEXT_BYTES);
    return ret;
}

__attribute__((format(printf, 2, 3))) static void notice(struct prompt *p, const char *format, ...)
{
    char text[NOTICE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    prompt_editor_notice(&p->editor, p->options, text);
}

/* --- lost lines, and errors --- */

/* Line seq is lost because of `last`; nothing if it is not on its way. */
static void lose(struct prompt *p, uint64_t seq)
{
    struct probe probe;
    char text[TEXT_BYTES];
    if (ledger_lose_one(ledger_of(p), seq, &probe))
        notice(p, "lost: \"%s\": %s", text_of(p, seq, text), self(p)->last.error.text);
}

/* When the oldest line on its way is lost; UINT64_MAX = never. */
static uint64_t loss_us(const struct prompt *p)
{
    const struct lines *s = self(p);
    struct probe oldest;
    if (s->lost_after_us == UINT64_MAX || !ledger_oldest(ledger_of(p), &oldest))
        return UINT64_MAX;
    return oldest.sent_ns / US_NS + s->lost_after_us;
}

/* Lines that were sent so long ago. */
static void lose_old(struct prompt *p)
{
    struct lines *s = self(p);
    struct probe oldest;
    while (loss_us(p) <= clock_now_us() && ledger_oldest(ledger_of(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply within %.6g s",
                        (double)s->lost_after_us / 1e6);
        lose(p, oldest.seq);
    }
}

static void try_to_send(struct prompt *p, uint64_t seq);

/* Nothing listens at the first address, and the name has another: what is on its way goes there. */
static bool move_to_next_address(struct prompt *p)
{
    struct lines *s = self(p);
    char before[ADDRESS_TEXT_BYTES], now[ADDRESS_TEXT_BYTES];
    struct probe oldest;
    address_text(&s->session.peer, before);
    if (s->answered || !datagram_link_try_next(&s->link))
        return false;
    address_text(&s->session.peer, now);
    notice(p, "%s does not answer; trying %s", before, now);
    p->fd = s->link.socket->fd;
    if (ledger_oldest(ledger_of(p), &oldest))
        for (uint64_t seq = oldest.seq; seq <= ledger_of(p)->sent; seq++)
            try_to_send(p, seq);
    return true;
}

/* Which line it is about is not looked for: it is the last one, since each waits for its reply. */
static void take_error(struct prompt *p, const struct datagram_error *error)
{
    struct lines *s = self(p);
    uint64_t seq = ledger_of(p)->sent;
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    if (error->code != EMSGSIZE && move_to_next_address(p))
        return;
    const struct datagram_attempt attempt = {
        .socket = s->link.socket, .peer = &s->session.peer, .bytes = line ? line->bytes : 0};
    datagram_link_judge(error, &attempt, p->options, &s->last);
    lose(p, seq);
}

/* Of DTLS. In order is ok while nothing is awaited, as with a stream. */
static void end_session(struct prompt *p)
{
    struct lines *s = self(p);
    struct outcome how = {.error = {.alert = -1}};
    datagram_link_judge_end(s->link.socket, p->options, &how);
    p->over = true;
    if (how.result == RESULT_TRUNCATED && !(compares(p) && ledger_of(p)->on_way)) {
        notice(p, "the server closed the session");
        return;
    }
    s->ended = how;
}

static void try_to_send(struct prompt *p, uint64_t seq)
{
    struct lines *s = self(p);
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    struct datagram_error error;
    s->unsent_seq = 0;
    for (int i = 0; i < SEND_ATTEMPTS && ledger_is_on_way(ledger_of(p), seq); i++) {
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

/* --- replies --- */

static void tell_of_answer(struct prompt *p, const struct probe *probe)
{
    struct lines *s = self(p);
    char text[TEXT_BYTES];
    if (s->session.phase_us[PHASE_ECHO] == SESSION_UNKNOWN_US)
        s->session.phase_us[PHASE_ECHO] = probe->time_ns / US_NS;
    if (!probe->overdue)
        return;
    text_of(p, probe->seq, text);
    outcome_measure(&s->last, RESULT_TIMEOUT, "the reply to \"%s\" took %.3f s", text,
                    (double)probe->time_ns / 1e9);
    notice(p, "late: \"%s\": its reply took %.3f s", text, (double)probe->time_ns / 1e9);
}

/* It is no reply to any line: that of the last one, changed on the way or by the server. */
static void take_unknown(struct prompt *p, const struct datagram *item)
{
    struct lines *s = self(p);
    uint64_t seq = ledger_of(p)->sent;
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    if (line && ledger_is_on_way(ledger_of(p), seq))
        outcome_measure(&s->last, RESULT_CORRUPT,
                        "the reply differs from what was sent: %zu bytes came back instead of %zu",
                        item->length, line->bytes);
    else
        outcome_measure(&s->last, RESULT_CORRUPT,
                        "a datagram of %zu bytes came that is no reply to a line", item->length);
    if (!ledger_of(p)->received)
        outcome_advise(&s->last, "if it is not an echo server, use --expect none");
    if (s->wrong.result == RESULT_OK)
        s->wrong = s->last;
    if (ledger_is_on_way(ledger_of(p), seq))
        lose(p, seq);
    else
        notice(p, "%s", s->last.error.text);
}

static void take_reply(struct prompt *p, const struct datagram *item, uint64_t now_ns)
{
    struct lines *s = self(p);
    struct probe probe;
    char text[TEXT_BYTES];
    enum datagram_line_reply reply =
        datagram_lines_receive(&s->sent, item->data, item->length, now_ns, &probe);
    prompt_show(p, item->data, item->length, reply == DATAGRAM_LINE_UNKNOWN ? 0 : item->length);
    switch (reply) {
    case DATAGRAM_LINE_ANSWERED:
        tell_of_answer(p, &probe);
        break;
    case DATAGRAM_LINE_DUPLICATE:
        notice(p, "duplicate: \"%s\" was answered before", text_of(p, probe.seq, text));
        break;
    case DATAGRAM_LINE_TOO_LATE:
        notice(p, "late: \"%s\" was counted as lost", text_of(p, probe.seq, text));
        break;
    case DATAGRAM_LINE_UNKNOWN:
        take_unknown(p, item);
        break;
    }
}

static void take(struct prompt *p, const struct datagram *item)
{
    struct lines *s = self(p);
    s->answered = true;
    s->totals.bytes_received += item->length;
    s->totals.received++;
    if (compares(p))
        take_reply(p, item, datagram_link_received_us(item) * US_NS);
    else
        prompt_show(p, item->data, item->length, 0);
}

static void move(struct prompt *p)
{
    static unsigned char in[DATAGRAM_BYTES_MAX];
    struct lines *s = self(p);
    struct datagram_error error;
    enum datagram_link_event event;
    do {
        struct datagram item = {.data = in, .size = sizeof in};
        event = datagram_link_receive(&s->link, &item, &error);
        if (event == DATAGRAM_LINK_DONE)
            take(p, &item);
        else if (event == DATAGRAM_LINK_ERROR)
            take_error(p, &error);
        else if (event == DATAGRAM_LINK_ENDED)
            end_session(p);
    } while (event != DATAGRAM_LINK_WAIT && !p->over);
    if (s->unsent_seq)
        try_to_send(p, s->unsent_seq);
    p->want = s->unsent_seq ? WANT_READ | WANT_WRITE : WANT_READ;
}

/* --- the carrier --- */

/* Keeps the line, so that its reply is known. False: there is no memory. */
static bool keep(struct prompt *p, const char *line, size_t n)
{
    struct lines *s = self(p);
    struct probe oldest;
    while (ledger_is_full(ledger_of(p)) && ledger_oldest(ledger_of(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply, and %d lines after it",
                        DATAGRAM_LINES_MAX);
        if (compares(p))
            lose(p, oldest.seq);
        else
            ledger_lose_one(ledger_of(p), oldest.seq, &oldest);
    }
    p->failed = datagram_lines_send(&s->sent, line, n, clock_now_us() * US_NS, &p->error) < 0;
    p->over = p->over || p->failed;
    return !p->failed;
}

/* For as long as the next line waits for it. */
static void await_reply(struct prompt *p, uint64_t seq)
{
    char text[TEXT_BYTES];
    uint64_t patience_us = clock_now_us() + PROMPT_PATIENCE_US;
    for (;;) {
        struct probe ignored;
        move(p);
        if (p->over || !ledger_is_on_way(ledger_of(p), seq) ||
            (!compares(p) && self(p)->unsent_seq != seq))
            return;
        if (ledger_expire(ledger_of(p), clock_now_us() * US_NS, &ignored))
            break;
        prompt_wait(p, false, patience_us < loss_us(p) ? patience_us : loss_us(p));
    }
    notice(p, "no reply to \"%s\" yet; if it is not an echo server, use --expect none",
           text_of(p, seq, text));
}

static void send_line(struct prompt *p, const char *line, size_t n)
{
    size_t most = self(p)->session.dtls ? DTLS_DATA_MAX : DATAGRAM_PAYLOAD_MAX;
    if (n > most) {
        notice(p, "a datagram has at most %zu bytes: the line of %zu was not sent", most, n);
        return;
    }
    if (!keep(p, line, n))
        return;
    try_to_send(p, ledger_of(p)->sent);
    await_reply(p, ledger_of(p)->sent);
}

static uint64_t due_us(const struct prompt *p)
{
    return compares(p) ? loss_us(p) : UINT64_MAX;
}

static void expire(struct prompt *p)
{
    if (compares(p))
        lose_old(p);
}

/* What has not been answered by now is lost: each line has had its time. */
static void end(struct prompt *p)
{
    struct lines *s = self(p);
    struct probe oldest;
    while (compares(p) && ledger_oldest(ledger_of(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply until the end of the input");
        lose(p, oldest.seq);
    }
}

static const struct prompt_carrier carrier = {
    .move = move, .due_us = due_us, .expire = expire, .send = send_line, .end = end};

/* Wrong bytes take precedence over any other failure. */
static void judge(const struct prompt *p, struct outcome *ret)
{
    const struct lines *s = self(p);
    const struct ledger *ledger = &s->sent.ledger;
    uint64_t bad = ledger->late + ledger->lost, good = ledger->received - ledger->late;
    if (s->wrong.result != RESULT_OK)
        *ret = s->wrong;
    else if (s->ended.result != RESULT_OK)
        *ret = s->ended;
    else if (compares(p) ? bad && !good : s->last.result != RESULT_OK && !s->totals.received)
        *ret = s->last;
    else if (compares(p) && bad)
        outcome_measure(ret, RESULT_LOST,
                        "%" PRIu64 " of %" PRIu64 " lines late or lost; the last: %.400s", bad,
                        ledger->sent, s->last.error.text);
    else if (compares(p) && ledger->on_way && !good)
        outcome_measure(ret, RESULT_TIMEOUT, "interrupted before a reply came");
}

static void talk(struct prompt *p, struct outcome *ret)
{
    struct lines *s = self(p);
    struct error err = {.alert = -1};
    enum expect_kind expect = p->options->expect;
    s->link =
        (struct datagram_link){.session = &s->session, .options = {.time = true, .errors = true}};
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
        judge(p, ret);
}

void prompt_datagram(const struct options *options, struct outcome *ret)
{
    struct lines s = {.last = *ret,
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
