/* SPDX-License-Identifier: MIT */
#include "size_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/session.h"
#include "tlsecho/client/session_wait.h"

enum {
    LISTEN_US = 300 * 1000,      /* for a server that sends by itself, */
    ANSWER_US = 2 * 1000 * 1000, /* and for the echo of a line: or so many round trips */
    ROUND_TRIPS = 10,
    CHARGEN_BYTES = 4096, /* more than any greeting */
};

/* Some servers echo nothing but whole lines of text. */
static const char LINE[] = "is this an echo, or what becomes of this line?\n";
enum { LINE_BYTES = sizeof LINE - 1 };

/* What came back, its beginning. */
struct look {
    struct exchange exchange;
    char text[CHARGEN_BYTES];
    size_t n;
};

static void keep(struct look *look)
{
    struct buf *in = &look->exchange.in;
    size_t room = sizeof look->text - look->n;
    size_t n = buf_waiting(in) < room ? buf_waiting(in) : room;
    memcpy(look->text + look->n, in->data + in->start, n);
    look->n += n;
    buf_take(in, buf_waiting(in));
}

/* Until enough_bytes have come, the server has ended, or the time is over. */
static int await(struct look *look, size_t enough_bytes, uint64_t due_us, struct error *err)
{
    struct exchange *x = &look->exchange;
    while (x->state == EXCHANGE_OPEN && look->n < enough_bytes) {
        unsigned want = exchange_send(x) | exchange_receive(x);
        if (buf_waiting(&x->in)) {
            keep(look);
            continue;
        }
        struct session_wait wait = {
            .fd = x->transport->fd, .want = want, .stop_fd = interrupt_fd(), .due_us = due_us};
        int event = session_wait(&wait, err);
        if (event < 0)
            return -1;
        if (event == SESSION_STOPPED)
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (event == SESSION_DUE)
            return 0;
    }
    return 0;
}

static bool is_text(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((text[i] < ' ' || text[i] > '~') && text[i] != '\r' && text[i] != '\n')
            return false;
    return true;
}

static void judge_greeting(const struct look *look, struct size_server *ret)
{
    bool report = look->text[0] == '{'; /* of our own server */
    if (look->n >= CHARGEN_BYTES && !report && is_text(look->text, look->n))
        ret->service = SIZE_CHARGEN;
    else if (report)
        snprintf(ret->reason, sizeof ret->reason, "it sends a report, so it is no echo");
    else if (look->n > 0)
        snprintf(ret->reason, sizeof ret->reason, "it speaks first, so it is no echo");
    else
        snprintf(ret->reason, sizeof ret->reason, "it ends connections at once, so it is no echo");
}

static void judge_answer(const struct look *look, struct size_server *ret)
{
    if (look->n == LINE_BYTES && memcmp(look->text, LINE, LINE_BYTES) == 0)
        ret->service = SIZE_ECHO;
    else if (look->n == 0 && look->exchange.state == EXCHANGE_OPEN)
        ret->service = SIZE_DISCARD;
    else
        snprintf(ret->reason, sizeof ret->reason, "it answers something else, so it is no echo");
}

static uint64_t at_least(uint64_t us, const struct path_peer *peer)
{
    uint64_t slow_us = ROUND_TRIPS * peer->about->rtt_us;
    return slow_us > us ? slow_us : us;
}

static int ask(struct look *look, struct size_server *ret, struct error *err)
{
    struct exchange *x = &look->exchange;
    uint64_t now_us = clock_now_us();
    if (await(look, CHARGEN_BYTES, now_us + at_least(LISTEN_US, ret->peer), err) < 0)
        return -1;
    if (look->n > 0 || x->state != EXCHANGE_OPEN) {
        judge_greeting(look, ret);
        return 0;
    }
    memcpy(x->out.data, LINE, LINE_BYTES);
    x->out.end = LINE_BYTES;
    now_us = clock_now_us();
    if (await(look, LINE_BYTES, now_us + at_least(ANSWER_US, ret->peer), err) < 0)
        return -1;
    judge_answer(look, ret);
    return 0;
}

static int look_at(struct session *session, struct size_server *ret, struct error *err)
{
    struct look *look = calloc(1, sizeof *look);
    if (!look)
        return error_sys(err, "memory for the buffers");
    int result = exchange_init(&look->exchange, session->transport, EXPECT_NONE, err);
    if (result == 0)
        result = ask(look, ret, err);
    exchange_done(&look->exchange);
    free(look);
    return result;
}

/* In small segments, both ways. */
static int connect_and_look(struct path *p, struct size_server *ret, struct error *err)
{
    struct session session;
    if (target_prepare(&ret->target, err) < 0 ||
        path_peer_give_address(ret->peer, &ret->target, err) < 0)
        return -1;
    ret->target.origin.segment_bytes = SIZE_SEGMENT_MIN_BYTES;
    session_init(&session, &ret->target);
    int result = session_open(&session, err);
    p->phase = session.phase;
    ret->opened = result == 0;
    if (result == 0)
        result = look_at(&session, ret, err);
    session_close(&session);
    return result;
}

int size_server_open(struct path *p, struct path_peer *peer, struct size_server *ret,
                     struct error *err)
{
    *ret = (struct size_server){.peer = peer, .options = p->options};
    if (!ret->options.groups)
        ret->options.groups = "?X25519:P-256";
    target_init(&ret->target, &ret->options, peer->about->endpoint);
    if (connect_and_look(p, ret, err) == 0)
        return 0;
    if (err->kind == ERROR_INTERRUPTED)
        return -1;
    snprintf(ret->reason, sizeof ret->reason, "%.180s", err->text);
    return 0;
}

void size_server_done(struct size_server *server)
{
    target_done(&server->target);
}
