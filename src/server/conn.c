/* SPDX-License-Identifier: MIT */
#include "tlsecho/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What a step of the machine leads to. */
enum step {
    STEP_ON,   /* go on: within a state, or to the state that is now set */
    STEP_WAIT, /* nothing to do until `want`, `timeout` or the next turn */
};

/* wish: IO_WANT_READ or IO_WANT_WRITE. */
static enum step wait_for(struct conn *c, enum io_status wish, enum conn_timeout timeout)
{
    c->want = wish == IO_WANT_READ ? WANT_READ : WANT_WRITE;
    c->timeout = timeout;
    return STEP_WAIT;
}

/* It is the others' turn now. */
static enum step yield(struct conn *c, enum conn_timeout timeout)
{
    c->again = true;
    c->timeout = timeout;
    return STEP_WAIT;
}

static enum step enter(struct conn *c, enum conn_state state)
{
    c->state = state;
    return STEP_ON;
}

/* The first reason is the one that counts. */
static enum step end(struct conn *c, enum conn_end reason, enum conn_state next)
{
    if (c->end == CONN_END_NONE)
        c->end = reason;
    return enter(c, next);
}

/* A transport that failed has an alert to send, unless the failure was our own. */
static enum step fail(struct conn *c, enum conn_end reason)
{
    if (c->error.kind == ERROR_SYSTEM)
        return end(c, CONN_END_FAILED, CONN_OVER);
    return end(c, reason, CONN_SHUTDOWN);
}

/* Gone without an end: by RST, or silently. */
static enum conn_end gone(const struct conn *c)
{
    return c->error.code == ETIMEDOUT || c->error.code == EHOSTUNREACH ||
                   c->error.code == ENETUNREACH
               ? CONN_END_VANISHED
               : CONN_END_RESET;
}

static enum step shake_hands(struct conn *c)
{
    struct io io = transport_handshake(c->transport, &c->error);
    switch (io.status) {
    case IO_OK:
        return enter(c, CONN_SERVE);
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return wait_for(c, io.status, CONN_TIMEOUT_HANDSHAKE);
    case IO_EOF:
    case IO_CUT:
        error_set(&c->error, ERROR_TLS, "the client left in the middle of the handshake");
        return end(c, CONN_END_HANDSHAKE, CONN_OVER);
    case IO_RESET:
        return end(c, gone(c), CONN_OVER);
    case IO_FAILED:
        return fail(c, CONN_END_HANDSHAKE);
    }
    return STEP_WAIT;
}

/* Hands over what is owed, as far as the transport takes it. STEP_ON: nothing waits any more. */
static enum step send_owed(struct conn *c, enum conn_timeout timeout)
{
    if (!c->sending)
        return STEP_ON;
    struct io io =
        transport_write(c->transport, buf_front(&c->owed), buf_waiting(&c->owed), &c->error);
    buf_take(&c->owed, io.n);
    c->sent_bytes += io.n;
    c->moved = c->moved || io.moved;
    if (buf_waiting(&c->owed) == 0)
        pool_return(c->pool, &c->owed);

    switch (io.status) {
    case IO_OK:
        c->sending = false;
        return STEP_ON;
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return wait_for(c, io.status, timeout);
    case IO_EOF:
    case IO_CUT:
    case IO_RESET:
        c->end = gone(c); /* whatever began before: bytes were owed and are lost */
        return enter(c, CONN_OVER);
    case IO_FAILED:
        c->sending = false;
        pool_return(c->pool, &c->owed);
        return fail(c, CONN_END_TLS);
    }
    return STEP_WAIT;
}

/* A TLS client on a plain listener: the record header and type of RFC 8446 §4 and §5.1. */
static bool is_client_hello(const unsigned char *data, size_t n)
{
    return n >= 6 && data[0] == 0x16 && data[1] == 3 && data[5] == 1;
}

static enum conn_timeout quiet_timeout(const struct conn *c)
{
    return c->draining ? CONN_TIMEOUT_QUIET : CONN_TIMEOUT_IDLE;
}

static void answer(struct conn *c, size_t n)
{
    if (c->received_bytes == 0)
        c->client_hello = is_client_hello(c->owed.data, n);
    c->received_bytes += n;
    c->owed.end = c->service->answer(c->owed.data, n);
    c->sending = c->owed.end > 0;
}

/* Reads once, into a borrowed buffer, and answers. STEP_ON: something may be owed now. */
static enum step receive(struct conn *c, bool *more)
{
    if (!pool_lend(c->pool, &c->owed)) {
        error_set(&c->error, ERROR_SYSTEM, "no memory for a buffer");
        return end(c, CONN_END_FAILED, CONN_OVER);
    }
    struct io io = transport_read(c->transport, c->owed.data, c->owed.size, &c->error);
    *more = io.more;
    c->moved = c->moved || io.moved;
    if (io.status == IO_OK)
        answer(c, io.n);
    if (!c->sending)
        pool_return(c->pool, &c->owed);

    switch (io.status) {
    case IO_OK:
        return STEP_ON;
    case IO_WANT_READ:
        return wait_for(c, io.status, quiet_timeout(c));
    case IO_WANT_WRITE:
        return wait_for(c, io.status, CONN_TIMEOUT_WRITE);
    case IO_EOF:
        c->peer_ended = true;
        return end(c, CONN_END_CLOSED, CONN_SHUTDOWN);
    case IO_CUT:
        c->peer_ended = true;
        return end(c, CONN_END_CUT, CONN_SHUTDOWN);
    case IO_RESET:
        return end(c, gone(c), CONN_OVER);
    case IO_FAILED:
        return fail(c, CONN_END_TLS);
    }
    return STEP_WAIT;
}

/* One recv and one send, then wait: only what the transport already holds is worth another round.
 */
static enum step serve(struct conn *c)
{
    bool more = true;
    for (int turn = 0; turn < CONN_TURNS_MAX; turn++) {
        if (send_owed(c, CONN_TIMEOUT_WRITE) == STEP_WAIT)
            return STEP_WAIT;
        if (c->state != CONN_SERVE)
            return STEP_ON;
        if (!more)
            return wait_for(c, IO_WANT_READ, quiet_timeout(c));
        if (receive(c, &more) == STEP_WAIT)
            return STEP_WAIT;
        if (c->state != CONN_SERVE)
            return STEP_ON;
    }
    return yield(c, quiet_timeout(c));
}

/* What is owed, then close_notify or the alert, then FIN. */
static enum step shut_down(struct conn *c)
{
    if (send_owed(c, CONN_TIMEOUT_LINGER) == STEP_WAIT)
        return STEP_WAIT;
    if (c->state != CONN_SHUTDOWN)
        return STEP_ON;

    struct error ignored;
    struct io io = transport_shutdown(c->transport, &ignored);
    switch (io.status) {
    case IO_OK:
        return enter(c, c->peer_ended ? CONN_OVER : CONN_LINGER);
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return wait_for(c, io.status, CONN_TIMEOUT_LINGER);
    case IO_EOF:
    case IO_CUT:
    case IO_RESET:
    case IO_FAILED:
        return enter(c, CONN_OVER);
    }
    return STEP_WAIT;
}

/*
 * Reads and drops until the peer ends too: closing with unread input would make the kernel send
 * RST, which destroys what we sent before (RFC 9293 §3.6.1; RFC 1122 §4.2.2.13).
 */
static enum step linger(struct conn *c)
{
    for (int turn = 0; turn < CONN_TURNS_MAX; turn++) {
        if (!pool_lend(c->pool, &c->owed))
            return enter(c, CONN_OVER);
        struct error ignored;
        struct io io = transport_read(c->transport, c->owed.data, c->owed.size, &ignored);
        pool_return(c->pool, &c->owed);
        switch (io.status) {
        case IO_OK:
            break;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            return wait_for(c, io.status, CONN_TIMEOUT_LINGER);
        case IO_EOF:
        case IO_CUT:
        case IO_RESET:
        case IO_FAILED:
            return enter(c, CONN_OVER);
        }
    }
    return yield(c, CONN_TIMEOUT_LINGER);
}

void conn_init(struct conn *c, struct transport *t, const struct service *service,
               struct pool *pool)
{
    *c = (struct conn){
        .state = CONN_HANDSHAKE,
        .timeout = CONN_TIMEOUT_HANDSHAKE,
        .transport = t,
        .service = service,
        .pool = pool,
        .error = {.alert = -1},
    };
}

void conn_run(struct conn *c)
{
    static enum step (*const run[])(struct conn *) = {
        [CONN_HANDSHAKE] = shake_hands,
        [CONN_SERVE] = serve,
        [CONN_SHUTDOWN] = shut_down,
        [CONN_LINGER] = linger,
    };
    c->moved = false;
    c->again = false;
    while (c->state != CONN_OVER && run[c->state](c) == STEP_ON)
        ;
}

void conn_expire(struct conn *c)
{
    switch (c->timeout) {
    case CONN_TIMEOUT_HANDSHAKE:
        end(c, CONN_END_HANDSHAKE_TIMEOUT, CONN_OVER);
        break;
    case CONN_TIMEOUT_IDLE:
        end(c, CONN_END_IDLE_TIMEOUT, CONN_SHUTDOWN);
        break;
    case CONN_TIMEOUT_WRITE:
        end(c, CONN_END_WRITE_TIMEOUT, CONN_OVER);
        break;
    case CONN_TIMEOUT_QUIET:
        end(c, CONN_END_DRAINED, CONN_SHUTDOWN);
        break;
    case CONN_TIMEOUT_LINGER:
        enter(c, CONN_OVER);
        break;
    case CONN_TIMEOUTS:
        assert(!"a time-out class");
    }
}

void conn_finish(struct conn *c, enum conn_end reason)
{
    if (c->state == CONN_HANDSHAKE)
        end(c, reason, CONN_OVER);
    else if (c->state == CONN_SERVE)
        end(c, reason, CONN_SHUTDOWN);
}

void conn_drain(struct conn *c)
{
    c->draining = true;
    if (c->timeout == CONN_TIMEOUT_IDLE)
        c->timeout = CONN_TIMEOUT_QUIET;
}

void conn_done(struct conn *c)
{
    pool_return(c->pool, &c->owed);
    transport_free(c->transport);
    c->transport = NULL;
}

const char *conn_end_name(enum conn_end reason)
{
    switch (reason) {
    case CONN_END_NONE:
        return "none";
    case CONN_END_CLOSED:
        return "closed";
    case CONN_END_CUT:
        return "cut";
    case CONN_END_RESET:
        return "reset";
    case CONN_END_VANISHED:
        return "vanished";
    case CONN_END_HANDSHAKE:
        return "handshake_failed";
    case CONN_END_TLS:
        return "tls_failed";
    case CONN_END_HANDSHAKE_TIMEOUT:
        return "handshake_timeout";
    case CONN_END_IDLE_TIMEOUT:
        return "idle_timeout";
    case CONN_END_WRITE_TIMEOUT:
        return "write_timeout";
    case CONN_END_LIFETIME:
        return "lifetime";
    case CONN_END_DRAINED:
        return "drained";
    case CONN_END_STOPPED:
        return "stopped";
    case CONN_END_FAILED:
        return "failed";
    }
    return "none";
}
