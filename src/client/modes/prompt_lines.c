/* SPDX-License-Identifier: MIT */
#include "prompt_lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"

enum { NOTICE_BYTES = 256 };

#define US_NS UINT64_C(1000)

struct prompt_lines *prompt_lines_of(const struct prompt *p)
{
    return p->carried;
}

struct ledger *prompt_lines_ledger(const struct prompt *p)
{
    return &prompt_lines_of(p)->sent.ledger;
}

bool prompt_lines_are_compared(const struct prompt *p)
{
    return p->options->expect != EXPECT_NONE;
}

const char *prompt_lines_text(const struct prompt *p, uint64_t seq,
                              char ret[PROMPT_LINES_TEXT_BYTES])
{
    const struct datagram_line *line = datagram_lines_find(&prompt_lines_of(p)->sent, seq);
    size_t n = line ? line->bytes : 0;
    if (n && line->data[n - 1] == '\n')
        n--;
    text_copy(line ? line->data : NULL, n, ret, PROMPT_LINES_TEXT_BYTES);
    return ret;
}

void prompt_lines_notice(struct prompt *p, const char *format, ...)
{
    char text[NOTICE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    prompt_editor_notice(&p->editor, p->options, text);
}

void prompt_lines_lose(struct prompt *p, uint64_t seq)
{
    struct probe probe;
    char text[PROMPT_LINES_TEXT_BYTES];
    if (ledger_lose_one(prompt_lines_ledger(p), seq, &probe))
        prompt_lines_notice(p, "lost: \"%s\": %s", prompt_lines_text(p, seq, text),
                            prompt_lines_of(p)->last.error.text);
}

uint64_t prompt_lines_loss_us(const struct prompt *p)
{
    const struct prompt_lines *s = prompt_lines_of(p);
    struct probe oldest;
    if (s->lost_after_us == UINT64_MAX || !ledger_oldest(prompt_lines_ledger(p), &oldest))
        return UINT64_MAX;
    return oldest.sent_ns / US_NS + s->lost_after_us;
}

/* Lines that were sent so long ago. */
void prompt_lines_lose_old(struct prompt *p)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct probe oldest;
    while (prompt_lines_loss_us(p) <= clock_now_us() &&
           ledger_oldest(prompt_lines_ledger(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply within %.6g s",
                        (double)s->lost_after_us / 1e6);
        prompt_lines_lose(p, oldest.seq);
    }
}

static void tell_of_answer(struct prompt *p, const struct probe *probe)
{
    struct prompt_lines *s = prompt_lines_of(p);
    char text[PROMPT_LINES_TEXT_BYTES];
    if (s->session.phase_us[PHASE_ECHO] == SESSION_UNKNOWN_US)
        s->session.phase_us[PHASE_ECHO] = probe->time_ns / US_NS;
    if (!probe->overdue)
        return;
    prompt_lines_text(p, probe->seq, text);
    outcome_measure(&s->last, RESULT_TIMEOUT, "the reply to \"%s\" took %.3f s", text,
                    (double)probe->time_ns / 1e9);
    prompt_lines_notice(p, "late: \"%s\": its reply took %.3f s", text,
                        (double)probe->time_ns / 1e9);
}

/* It is no reply to any line: that of the last one, changed on the way or by the server. */
static void take_unknown(struct prompt *p, const struct datagram *item)
{
    struct prompt_lines *s = prompt_lines_of(p);
    uint64_t seq = prompt_lines_ledger(p)->sent;
    const struct datagram_line *line = datagram_lines_find(&s->sent, seq);
    bool is_reply = line && ledger_is_on_way(prompt_lines_ledger(p), seq);
    if (is_reply && item->length == line->bytes)
        outcome_measure(&s->last, RESULT_CORRUPT, "the reply differs from what was sent");
    else if (is_reply)
        outcome_measure(&s->last, RESULT_CORRUPT,
                        "the reply differs from what was sent: %zu bytes came back instead of %zu",
                        item->length, line->bytes);
    else
        outcome_measure(&s->last, RESULT_CORRUPT,
                        "a datagram of %zu bytes came that is no reply to a line", item->length);
    if (!prompt_lines_ledger(p)->received)
        outcome_advise(&s->last, "if it is not an echo server, use --expect none");
    if (s->wrong.result == RESULT_OK)
        s->wrong = s->last;
    if (ledger_is_on_way(prompt_lines_ledger(p), seq))
        prompt_lines_lose(p, seq);
    else
        prompt_lines_notice(p, "%s", s->last.error.text);
}

static void take_reply(struct prompt *p, const struct datagram *item, uint64_t now_ns)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct probe probe;
    char text[PROMPT_LINES_TEXT_BYTES];
    enum datagram_line_reply reply =
        datagram_lines_receive(&s->sent, item->data, item->length, now_ns, &probe);
    prompt_show(p, item->data, item->length, reply == DATAGRAM_LINE_UNKNOWN ? 0 : item->length);
    switch (reply) {
    case DATAGRAM_LINE_ANSWERED:
        tell_of_answer(p, &probe);
        break;
    case DATAGRAM_LINE_DUPLICATE:
        prompt_lines_notice(p, "duplicate: \"%s\" was answered before",
                            prompt_lines_text(p, probe.seq, text));
        break;
    case DATAGRAM_LINE_TOO_LATE:
        prompt_lines_notice(p, "late: \"%s\" was counted as lost",
                            prompt_lines_text(p, probe.seq, text));
        break;
    case DATAGRAM_LINE_UNKNOWN:
        take_unknown(p, item);
        break;
    }
}

void prompt_lines_take(struct prompt *p, const struct datagram *item)
{
    struct prompt_lines *s = prompt_lines_of(p);
    s->answered = true;
    s->totals.bytes_received += item->length;
    s->totals.received++;
    if (prompt_lines_are_compared(p))
        take_reply(p, item, datagram_link_received_us(item) * US_NS);
    else
        prompt_show(p, item->data, item->length, 0);
}

bool prompt_lines_keep(struct prompt *p, const char *line, size_t n)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct probe oldest;
    while (ledger_is_full(prompt_lines_ledger(p)) &&
           ledger_oldest(prompt_lines_ledger(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply, and %d lines after it",
                        DATAGRAM_LINES_MAX);
        if (prompt_lines_are_compared(p))
            prompt_lines_lose(p, oldest.seq);
        else
            ledger_lose_one(prompt_lines_ledger(p), oldest.seq, &oldest);
    }
    p->failed = datagram_lines_send(&s->sent, line, n, clock_now_us() * US_NS, &p->error) < 0;
    p->over = p->over || p->failed;
    return !p->failed;
}

void prompt_lines_lose_all(struct prompt *p)
{
    struct prompt_lines *s = prompt_lines_of(p);
    struct probe oldest;
    while (prompt_lines_are_compared(p) && ledger_oldest(prompt_lines_ledger(p), &oldest)) {
        outcome_measure(&s->last, RESULT_TIMEOUT, "no reply until the end of the input");
        prompt_lines_lose(p, oldest.seq);
    }
}

void prompt_lines_judge(const struct prompt *p, struct outcome *ret)
{
    const struct prompt_lines *s = prompt_lines_of(p);
    const struct ledger *ledger = &s->sent.ledger;
    uint64_t bad = ledger->late + ledger->lost, good = ledger->received - ledger->late;
    if (s->wrong.result != RESULT_OK)
        *ret = s->wrong;
    else if (s->ended.result != RESULT_OK)
        *ret = s->ended;
    else if (prompt_lines_are_compared(p) ? bad && !good
                                          : s->last.result != RESULT_OK && !s->totals.received)
        *ret = s->last;
    else if (prompt_lines_are_compared(p) && bad)
        outcome_measure(ret, RESULT_LOST,
                        "%" PRIu64 " of %" PRIu64 " lines late or lost; the last: %.400s", bad,
                        ledger->sent, s->last.error.text);
    else if (prompt_lines_are_compared(p) && ledger->on_way && !good)
        outcome_measure(ret, RESULT_TIMEOUT, "interrupted before a reply came");
}
