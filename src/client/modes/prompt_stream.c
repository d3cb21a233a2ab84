/* SPDX-License-Identifier: MIT */
/* Lines over a stream: their bytes come back in order, and an error ends the prompt. */
#include <string.h>

#include "prompt_internal.h"
#include "stream.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/output.h"

struct stream {
    struct exchange *x;
    uint64_t shown_bytes;
};

static struct stream *self(const struct prompt *p)
{
    return p->carried;
}

/* When --idle-timeout ends the run. */
static uint64_t limit_us(const struct prompt *p)
{
    return exchange_due_us(self(p)->x, p->options->idle_timeout_ms * 1000);
}

/* How many of the next n bytes were expected, and so typed by the user. */
static size_t count_expected(const struct stream *s, size_t n)
{
    const struct expect *e = &s->x->expect;
    if (e->kind == EXPECT_NONE || e->offset_bytes <= s->shown_bytes)
        return 0;
    uint64_t expected = e->offset_bytes - s->shown_bytes;
    return expected < n ? (size_t)expected : n;
}

static void show(struct prompt *p)
{
    struct stream *s = self(p);
    struct buf *in = &s->x->in;
    size_t n = buf_waiting(in);
    prompt_show(p, in->data + in->start, n, count_expected(s, n));
    s->shown_bytes += n;
    buf_take(in, n);
}

static void move(struct prompt *p)
{
    struct exchange *x = self(p)->x;
    unsigned want = exchange_send(x), receive;
    for (;;) {
        receive = exchange_receive(x);
        if (!buf_waiting(&x->in))
            break;
        show(p);
    }
    p->want = want | receive;
    p->over = p->over || x->state != EXCHANGE_OPEN;
}

static uint64_t due_us(const struct prompt *p)
{
    return expect_missing(&self(p)->x->expect) ? limit_us(p) : UINT64_MAX;
}

static void expire(struct prompt *p)
{
    struct exchange *x = self(p)->x;
    if (clock_now_us() < limit_us(p))
        return;
    exchange_expire(x, p->options->idle_timeout_ms * 1000);
    p->over = p->over || x->state != EXCHANGE_OPEN;
}

/* What to wait for while no line is edited. */
enum awaited { ROOM, ECHO, END };

static bool has_come(const struct exchange *x, enum awaited what)
{
    switch (what) {
    case ROOM:
        return exchange_room(x) > 0;
    case ECHO:
        return exchange_room(x) > 0 && !expect_missing(&x->expect);
    case END:
        break;
    }
    return false; /* the exchange is over */
}

static const char *notice_of(const struct prompt *p, enum awaited what)
{
    if (what == END)
        return "the server has not closed its side yet; press Ctrl-C to stop";
    if (p->options->expect == EXPECT_NONE)
        return "the server does not read; press Ctrl-C to stop";
    return "no echo yet; press Ctrl-C to stop; if it is not an echo server, use --expect none";
}

/* Waits for it. If an echo takes long, it will be shown above the next line. */
static void await(struct prompt *p, enum awaited what)
{
    struct exchange *x = self(p)->x;
    uint64_t now_us = clock_now_us(), notice_us = now_us + PROMPT_PATIENCE_US;
    x->last_activity_us = now_us; /* typing the line took time */
    for (;;) {
        move(p);
        if (p->over || has_come(x, what))
            return;
        prompt_wait(p, false, limit_us(p) < notice_us ? limit_us(p) : notice_us);
        if (p->over || clock_now_us() < notice_us)
            continue;
        notice_us = UINT64_MAX;
        output_notice(p->options, notice_of(p, what));
        if (what == ECHO)
            return;
    }
}

static void send_line(struct prompt *p, const char *line, size_t n)
{
    struct exchange *x = self(p)->x;
    for (;;) {
        await(p, ROOM);
        if (p->over)
            return;
        size_t room = exchange_room(x);
        size_t part = n < room ? n : room;
        memcpy(x->out.data, line, part);
        x->out.end = part;
        line += part;
        n -= part;
        if (n == 0)
            break;
    }
    await(p, ECHO);
}

static void end(struct prompt *p)
{
    self(p)->x->ending = true;
    await(p, END);
}

static const struct prompt_carrier carrier = {
    .move = move, .due_us = due_us, .expire = expire, .send = send_line, .end = end};

/* The server may close in order while the prompt waits: that is ok; a cut is not. */
static void judge(const struct prompt *p, const struct exchange *x, struct outcome *ret)
{
    exchange_judge(x, x->state == EXCHANGE_CUT && !x->ending, ret);
    if (ret->result == RESULT_OK && x->state == EXCHANGE_ENDED && !x->ending)
        output_notice(p->options, "the server closed the connection");
}

static void talk(struct exchange *x, const struct options *options, struct outcome *ret)
{
    struct stream s = {.x = x};
    struct prompt p = {
        .options = options, .carrier = &carrier, .carried = &s, .fd = x->transport->fd};
    prompt_run(&p);
    if (p.failed)
        outcome_fail(ret, PHASE_LOCAL, &p.error);
    else
        judge(&p, x, ret);
}

void prompt_stream(const struct options *options, struct outcome *ret)
{
    stream_run(options, talk, ret);
}
