/* SPDX-License-Identifier: MIT */
#include "conn_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum step conn_wait(struct conn *c, enum io_status wish, enum conn_timeout timeout)
{
    c->want = wish == IO_WANT_READ ? WANT_READ : WANT_WRITE;
    c->timeout = timeout;
    return STEP_WAIT;
}

enum step conn_yield(struct conn *c, enum conn_timeout timeout)
{
    c->runnable = true;
    c->timeout = timeout;
    return STEP_WAIT;
}

enum step conn_enter(struct conn *c, enum conn_state state)
{
    c->state = state;
    return STEP_LEFT;
}

enum step conn_end_as(struct conn *c, enum conn_end reason, enum conn_state next)
{
    if (c->end == CONN_END_NONE)
        c->end = reason;
    return conn_enter(c, next);
}

/* As health checks of load balancers do. */
static bool is_probe(const struct conn *c)
{
    return !c->proxy_begun && !c->hello_begun && c->received_bytes == 0 && c->sent_bytes == 0;
}

static void drop_error(struct conn *c)
{
    free(c->error);
    c->error = NULL;
}

enum step conn_peer_ended(struct conn *c, enum conn_end reason, enum conn_state next)
{
    if (!is_probe(c))
        return conn_end_as(c, reason, next);
    drop_error(c); /* not a failure */
    return conn_end_as(c, CONN_END_PROBE, next);
}

/* On the heap: few connections have one, and it is large. */
static void keep_error(struct conn *c, const struct error *err)
{
    if (!c->error)
        c->error = malloc(sizeof *c->error);
    if (c->error)
        *c->error = *err;
}

enum step conn_fail(struct conn *c, const struct error *err, enum conn_end reason)
{
    keep_error(c, err);
    c->sending = false;
    pool_return(c->pool, &c->output);
    if (err->kind == ERROR_SYSTEM)
        return conn_end_as(c, CONN_END_FAILED, CONN_OVER);
    return conn_end_as(c, err->kind == ERROR_FLOOD ? CONN_END_FLOOD : reason, CONN_SHUTDOWN);
}

enum step conn_lost(struct conn *c, const struct error *err)
{
    int code = err ? err->code : ECONNRESET;
    bool silently = code == ETIMEDOUT || code == EHOSTUNREACH || code == ENETUNREACH;
    if (err)
        keep_error(c, err);
    return silently ? conn_end_as(c, CONN_END_VANISHED, CONN_OVER)
                    : conn_peer_ended(c, CONN_END_RESET, CONN_OVER);
}

struct io conn_drop_input(struct conn *c, struct error *err)
{
    struct buf scrap = {.data = NULL};
    if (!pool_lend(c->pool, &scrap)) {
        error_set(err, ERROR_SYSTEM, "no memory for a buffer");
        return (struct io){.status = IO_FAILED};
    }
    struct io io = transport_read(c->transport, scrap.data, scrap.size, err);
    pool_return(c->pool, &scrap);
    return io;
}

static enum step read_proxy(struct conn *c)
{
    struct error err;
    enum conn_end end = CONN_END_PROXY;
    struct io io = c->read_proxy(c, &end, &err);
    c->proxy_begun = io.progressed;
    switch (io.status) {
    case IO_OK:
        return conn_enter(c, CONN_HANDSHAKE);
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, CONN_TIMEOUT_HANDSHAKE);
    case IO_EOF:
    case IO_CUT:
        error_set(&err, ERROR_INPUT,
                  "PROXY header: the peer closed the connection before the end of it");
        keep_error(c, &err);
        return conn_peer_ended(c, CONN_END_PROXY, CONN_OVER);
    case IO_RESET:
        return conn_lost(c, &err);
    case IO_FAILED:
        break;
    }
    keep_error(c, &err);
    return conn_end_as(c, err.kind == ERROR_SYSTEM ? CONN_END_FAILED : end, CONN_OVER);
}

static enum conn_state first_state(const struct conn *c)
{
    if (c->transport->messages)
        return CONN_SERVE;
    if (c->service->requests)
        return CONN_CONVERSE;
    return c->service->produce ? CONN_PRODUCE : CONN_SERVE;
}

static enum step shake_hands(struct conn *c)
{
    struct error err;
    struct io io = transport_handshake(c->transport, &err);
    c->hello_begun = c->hello_begun || io.progressed;
    switch (io.status) {
    case IO_OK:
        c->established = true;
        return conn_enter(c, first_state(c));
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, CONN_TIMEOUT_HANDSHAKE);
    case IO_EOF:
    case IO_CUT:
        error_set(&err, ERROR_TLS, "the client closed the connection during the handshake");
        keep_error(c, &err);
        return conn_peer_ended(c, CONN_END_HANDSHAKE, CONN_OVER);
    case IO_RESET:
        return conn_lost(c, &err);
    case IO_FAILED:
        return conn_fail(c, &err, CONN_END_HANDSHAKE);
    }
    return STEP_WAIT;
}

/* Pending output, then close_notify or the alert, then FIN. */
static enum step shut_down(struct conn *c)
{
    enum step step = conn_send_output(c, CONN_TIMEOUT_LINGER);
    if (step != STEP_ON)
        return step;

    struct error ignored;
    struct io io = c->peer_ended ? transport_finish(c->transport, &ignored)
                                 : transport_shutdown(c->transport, &ignored);
    switch (io.status) {
    case IO_OK:
        return conn_enter(c, c->peer_ended ? CONN_OVER : CONN_LINGER);
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, CONN_TIMEOUT_LINGER);
    case IO_EOF:
    case IO_CUT:
    case IO_RESET:
    case IO_FAILED:
        return conn_enter(c, CONN_OVER);
    }
    return STEP_WAIT;
}

/*
 * Reads and drops until the peer closes too: closing with unread input would make the kernel send
 * RST, which destroys output that is still in flight (RFC 9293 §3.6.1; RFC 1122 §4.2.2.13).
 */
static enum step linger(struct conn *c)
{
    for (int turn = 0; turn < CONN_TURNS_MAX; turn++) {
        struct error ignored;
        struct io io = conn_drop_input(c, &ignored);
        switch (io.status) {
        case IO_OK:
            break;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            return conn_wait(c, io.status, CONN_TIMEOUT_LINGER);
        case IO_EOF:
        case IO_CUT:
        case IO_RESET:
        case IO_FAILED:
            return conn_enter(c, CONN_OVER);
        }
    }
    return conn_yield(c, CONN_TIMEOUT_LINGER);
}

void conn_init(struct conn *c, struct transport *t, const struct service *service,
               struct pool *pool, void (*describe)(const struct conn *c, struct conn_info *ret))
{
    *c = (struct conn){
        .state = CONN_HANDSHAKE,
        .timeout = CONN_TIMEOUT_HANDSHAKE,
        .transport = t,
        .service = service,
        .pool = pool,
        .describe = describe,
    };
}

void conn_expect_proxy(struct conn *c,
                       struct io (*read)(struct conn *c, enum conn_end *ret_end, struct error *err))
{
    c->read_proxy = read;
    c->state = CONN_PROXY;
}

void conn_run(struct conn *c)
{
    static enum step (*const run[])(struct conn *) = {
        [CONN_PROXY] = read_proxy,     [CONN_HANDSHAKE] = shake_hands,  [CONN_SERVE] = conn_serve,
        [CONN_PRODUCE] = conn_produce, [CONN_CONVERSE] = conn_converse, [CONN_SHUTDOWN] = shut_down,
        [CONN_LINGER] = linger,
    };
    c->progressed = false;
    c->runnable = false;
    c->timeout_anew = false;
    while (c->state != CONN_OVER && run[c->state](c) != STEP_WAIT)
        ;
}

void conn_expire(struct conn *c)
{
    bool reading = c->timeout == CONN_TIMEOUT_HANDSHAKE || c->timeout == CONN_TIMEOUT_IDLE;
    if (reading && conn_converse_late(c))
        return;
    switch (c->timeout) {
    case CONN_TIMEOUT_HANDSHAKE:
        conn_end_as(c, CONN_END_HANDSHAKE_TIMEOUT, CONN_OVER);
        break;
    case CONN_TIMEOUT_IDLE:
        conn_end_as(c, CONN_END_IDLE_TIMEOUT, CONN_SHUTDOWN);
        break;
    case CONN_TIMEOUT_WRITE:
        conn_end_as(c, CONN_END_WRITE_TIMEOUT, CONN_OVER);
        break;
    case CONN_TIMEOUT_QUIET:
        conn_end_as(c, CONN_END_DRAINED, CONN_SHUTDOWN);
        break;
    case CONN_TIMEOUT_LINGER:
        if (c->peer_ended && c->sending) /* output is lost */
            c->end = CONN_END_WRITE_TIMEOUT;
        conn_enter(c, CONN_OVER);
        break;
    case CONN_TIMEOUTS:
        assert(!"a time-out class");
    }
}

void conn_finish(struct conn *c, enum conn_end reason)
{
    if (c->state == CONN_PROXY || c->state == CONN_HANDSHAKE)
        conn_end_as(c, reason, CONN_OVER);
    else if (c->state == CONN_CONVERSE)
        conn_converse_finish(c, reason);
    else if (c->state == CONN_SERVE || c->state == CONN_PRODUCE)
        conn_end_as(c, reason, CONN_SHUTDOWN);
}

void conn_abort(struct conn *c, enum conn_end reason)
{
    if (c->peer_ended && c->sending) /* output is lost */
        c->end = reason;
    conn_end_as(c, reason, CONN_OVER);
}

void conn_drain(struct conn *c)
{
    c->draining = true;
    if (c->timeout == CONN_TIMEOUT_IDLE && !conn_converse_reads(c))
        c->timeout = CONN_TIMEOUT_QUIET;
}

void conn_done(struct conn *c)
{
    pool_return(c->pool, &c->output);
    conn_conversation_free(c);
    transport_free(c->transport);
    drop_error(c);
    c->transport = NULL;
}

const char *conn_state_name(enum conn_state state)
{
    switch (state) {
    case CONN_PROXY:
        return "proxy";
    case CONN_HANDSHAKE:
        return "handshake";
    case CONN_SERVE:
        return "serve";
    case CONN_PRODUCE:
        return "produce";
    case CONN_CONVERSE:
        return "converse";
    case CONN_SHUTDOWN:
        return "shutdown";
    case CONN_LINGER:
        return "linger";
    case CONN_OVER:
        break;
    }
    return "over";
}
