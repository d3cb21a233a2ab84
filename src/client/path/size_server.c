/* SPDX-License-Identifier: MIT */
#include "size_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path_wait.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/exchange.h"

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
        struct session_wait wait;
        path_wait_init(&wait);
        path_wait_add(&wait, x->transport->fd, want, due_us);
        int event = path_wait(&wait, err);
        if (event != SESSION_READY)
            return event < 0 ? -1 : 0;
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

static void refuse(struct size_server *ret, enum result result, const char *reason)
{
    ret->result = result;
    snprintf(ret->reason, sizeof ret->reason, "%s", reason);
}

static void judge_greeting(const struct look *look, struct size_server *ret)
{
    bool json = look->text[0] == '{'; /* of our own server */
    if (look->n >= CHARGEN_BYTES && !json && is_text(look->text, look->n))
        ret->service = SIZE_CHARGEN;
    else if (json)
        refuse(ret, RESULT_CORRUPT, "it sends JSON first, as a report or hello, so it is no echo");
    else if (look->n > 0)
        refuse(ret, RESULT_CORRUPT, "it sends first, so it is no echo");
    else if (look->exchange.reset)
        refuse(ret, RESULT_RESET, "it resets connections at once");
    else
        refuse(ret, RESULT_TRUNCATED, "it ends connections at once");
}

static void judge_answer(const struct look *look, struct size_server *ret)
{
    if (look->n == LINE_BYTES && memcmp(look->text, LINE, LINE_BYTES) == 0)
        ret->service = SIZE_ECHO;
    else if (look->n == 0 && look->exchange.state == EXCHANGE_OPEN)
        ret->service = SIZE_DISCARD;
    else if (look->n > 0)
        refuse(ret, RESULT_CORRUPT, "it answers something else, so it is no echo");
    else if (look->exchange.reset)
        refuse(ret, RESULT_RESET, "it resets the connection at the first line");
    else
        refuse(ret, RESULT_TRUNCATED, "it ends the connection at the first line");
}

static uint64_t at_least(uint64_t us, const struct path_peer *peer)
{
    uint64_t slow_us = ROUND_TRIPS * peer->about->rtt_us;
    return slow_us > us ? slow_us : us;
}

/* -1: an alert, or what is no TLS any more. */
static int check(const struct exchange *x, struct error *err)
{
    if (x->state != EXCHANGE_BROKEN || x->reset)
        return 0;
    *err = x->error;
    return -1;
}

static int ask(struct look *look, struct size_server *ret, struct error *err)
{
    struct exchange *x = &look->exchange;
    uint64_t now_us = clock_now_us();
    if (await(look, CHARGEN_BYTES, now_us + at_least(LISTEN_US, ret->peer), err) < 0)
        return -1;
    if (look->n > 0 || x->state != EXCHANGE_OPEN) {
        judge_greeting(look, ret);
        return check(x, err);
    }
    memcpy(x->out.data, LINE, LINE_BYTES);
    x->out.end = LINE_BYTES;
    now_us = clock_now_us();
    if (await(look, LINE_BYTES, now_us + at_least(ANSWER_US, ret->peer), err) < 0)
        return -1;
    judge_answer(look, ret);
    return check(x, err);
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
    ret->target.origin.segment_bytes = PATH_SEGMENT_MIN_BYTES;
    session_init(&session, &ret->target);
    int result = path_peer_open_session(p, &session, err);
    ret->opened = result == 0;
    if (result == 0)
        result = look_at(&session, ret, err);
    session_close(&session);
    return result;
}

int size_server_open(struct path *p, struct path_peer *peer, struct size_server *ret,
                     struct error *err)
{
    *ret = (struct size_server){.peer = peer};
    target_init(&ret->target, &p->small, peer->about->endpoint);
    if (connect_and_look(p, ret, err) == 0)
        return 0;
    ret->service = SIZE_OTHER;
    snprintf(ret->reason, sizeof ret->reason, "%.180s", err->text);
    return -1;
}

void size_server_done(struct size_server *server)
{
    target_done(&server->target);
}
