/* SPDX-License-Identifier: MIT */
/* Input is answered, or output is generated. */
#include "conn_internal.h"
#include "tlsecho/net/datagram.h"
#include "tlsecho/server/conn_info.h"

enum step conn_send_output(struct conn *c, enum conn_timeout timeout)
{
    if (!c->sending)
        return STEP_ON;
    struct error err ERROR_UNSET;
    struct io io =
        transport_write(c->transport, buf_front(&c->output), buf_waiting(&c->output), &err);
    buf_take(&c->output, io.n);
    c->sent_bytes += io.n;
    c->progressed = c->progressed || io.progressed;
    if (buf_waiting(&c->output) == 0)
        pool_return(c->pool, &c->output);

    switch (io.status) {
    case IO_OK:
        c->sending = false;
        return STEP_ON;
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, timeout);
    case IO_EOF:
    case IO_CUT:
    case IO_RESET:
        c->end = CONN_END_NONE; /* replaces an orderly end: output is lost */
        return conn_lost(c, io.status == IO_RESET ? &err : NULL);
    case IO_FAILED:
        c->end = CONN_END_NONE;
        return conn_fail(c, &err, CONN_END_TLS);
    }
    return STEP_WAIT;
}

/* Borrows a buffer. STEP_LEFT: no memory, the connection ends. */
static enum step borrow(struct conn *c)
{
    if (pool_lend(c->pool, &c->output))
        return STEP_ON;
    struct error err;
    error_set(&err, ERROR_SYSTEM, "no memory for a buffer");
    return conn_fail(c, &err, CONN_END_FAILED);
}

/* Apart, as a hardened build zeroes the large variable. */
static enum service_verdict reply_informed(struct conn *c, struct datagram *message)
{
    struct conn_info info;
    c->describe(c, &info);
    const struct service_request request = {.room = c->output.size, .info = &info};
    return c->service->reply(&request, message);
}

/* A message of n bytes arrived, and is answered in place. Returns the bytes of the answer. */
static size_t answer_message(struct conn *c, size_t n)
{
    struct datagram message ERROR_UNSET;
    message.data = c->output.data;
    message.size = c->output.size;
    message.length = n;
    const struct service_request request = {.room = c->output.size};
    enum service_verdict verdict = c->service->wants_info ? reply_informed(c, &message)
                                                          : c->service->reply(&request, &message);
    return verdict == SERVICE_ANSWERS ? message.length : 0;
}

static size_t answer_bytes(struct conn *c, size_t n)
{
    return c->service->answer ? c->service->answer(c->output.data, n) : 0;
}

/* n bytes arrived, of which `back` were spliced back already. */
static void answer(struct conn *c, size_t n, size_t back)
{
    conn_count_input(c, c->output.data, n);
    c->sent_bytes += back;
    c->full = n > c->output.size / 2;
    c->output.end = c->transport->messages ? answer_message(c, n) : answer_bytes(c, n - back);
    c->sending = c->output.end > 0;
}

/* Bulk data is spliced within the kernel where possible; small messages would only get slower. */
static struct io take(struct conn *c, size_t *ret_back, struct error *err)
{
    bool can = c->full && c->service->verbatim && c->transport->ops->splice;
    const int *pipe = can ? pool_pipe(c->pool) : NULL;
    *ret_back = 0;
    if (!pipe)
        return transport_read(c->transport, c->output.data, c->output.size, err);
    return transport_splice(c->transport, pipe, &c->output, ret_back, err);
}

/* Reads once, into a borrowed buffer, and answers. STEP_ON: output may be pending. */
static enum step receive(struct conn *c, bool *more)
{
    if (borrow(c) == STEP_LEFT)
        return STEP_LEFT;
    struct error err ERROR_UNSET;
    size_t back;
    struct io io = take(c, &back, &err);
    *more = io.more;
    c->progressed = c->progressed || io.progressed;
    if (io.status == IO_OK)
        answer(c, io.n, back);
    if (!c->sending)
        pool_return(c->pool, &c->output);

    switch (io.status) {
    case IO_OK:
        return STEP_ON;
    case IO_WANT_READ:
        return conn_wait(c, io.status, conn_quiet_timeout(c));
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, CONN_TIMEOUT_WRITE);
    case IO_EOF:
        c->peer_ended = true;
        return conn_peer_ended(c, CONN_END_CLOSED, CONN_SHUTDOWN);
    case IO_CUT:
        c->peer_ended = true;
        return conn_peer_ended(c, CONN_END_CUT, CONN_SHUTDOWN);
    case IO_RESET:
        return conn_lost(c, &err);
    case IO_FAILED:
        return conn_fail(c, &err, CONN_END_TLS);
    }
    return STEP_WAIT;
}

/* One recv and one send, then wait, unless the transport has more decrypted already. All messages
 * of a datagram are answered at once: the next datagram takes the place of those that are left. */
enum step conn_serve(struct conn *c)
{
    bool more = true;
    for (int turn = 0; turn < CONN_TURNS_MAX || c->transport->messages; turn++) {
        enum step step = conn_send_output(c, CONN_TIMEOUT_WRITE);
        if (step != STEP_ON)
            return step;
        if (!more)
            return conn_wait(c, IO_WANT_READ, conn_quiet_timeout(c));
        step = receive(c, &more);
        if (step != STEP_ON)
            return step;
    }
    return conn_yield(c, conn_quiet_timeout(c));
}

/* The peer has closed its direction. Endless output stops; finite output is still sent. */
static enum step end_input(struct conn *c, enum conn_end reason)
{
    c->peer_ended = true;
    if (!c->service->endless)
        return STEP_ON;
    /* Pending output is still sent, so it is no probe. */
    return c->sending ? conn_end_as(c, reason, CONN_SHUTDOWN)
                      : conn_peer_ended(c, reason, CONN_SHUTDOWN);
}

/* Reads and drops, unless it is for the answer: only EOF matters here. STEP_ON, with whether more
 * is there, or STEP_LEFT. */
static enum step drain_input(struct conn *c, bool *ret_more)
{
    *ret_more = false;
    if (c->peer_ended || c->service->answer)
        return STEP_ON;
    struct error err;
    struct io io = conn_drop_input(c, &err);
    switch (io.status) {
    case IO_OK:
        c->received_bytes += io.n;
        *ret_more = io.more;
        return STEP_ON;
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        return STEP_ON;
    case IO_EOF:
        return end_input(c, CONN_END_CLOSED);
    case IO_CUT:
        return end_input(c, CONN_END_CUT);
    case IO_RESET:
        return conn_lost(c, &err);
    case IO_FAILED:
        return conn_fail(c, &err, CONN_END_TLS);
    }
    return STEP_ON;
}

/* Has the service generate output, unless some is pending. STEP_LEFT: there is no more, and the
 * connection ends or answers input. */
static enum step fill_output(struct conn *c)
{
    struct conn_info info;
    if (c->sending)
        return STEP_ON;
    if (c->service->endless && c->draining)
        return conn_end_as(c, CONN_END_DRAINED, CONN_SHUTDOWN);
    if (borrow(c) == STEP_LEFT)
        return STEP_LEFT;
    /* What is known may have changed: after a block that was not full there is no more. */
    bool over = c->service->wants_info && c->sent_bytes % c->output.size != 0;
    if (c->service->wants_info && !over)
        c->describe(c, &info);
    c->output.end = over ? 0
                         : c->service->produce(c->service->wants_info ? &info : NULL, c->sent_bytes,
                                               c->output.data, c->output.size);
    c->sending = c->output.end > 0;
    if (c->sending)
        return STEP_ON;
    pool_return(c->pool, &c->output);
    if (c->service->answer)
        return conn_enter(c, CONN_SERVE);
    return conn_end_as(c, CONN_END_FINISHED, CONN_SHUTDOWN);
}

/* Sends as fast as the peer reads, and reads meanwhile: neither direction blocks the other. */
enum step conn_produce(struct conn *c)
{
    for (int block = 0; block < CONN_BLOCKS_MAX; block++) {
        bool more;
        enum step step = drain_input(c, &more);
        if (step == STEP_ON)
            step = fill_output(c);
        if (step == STEP_ON)
            step = conn_send_output(c, CONN_TIMEOUT_WRITE);
        if (step == STEP_LEFT)
            return STEP_LEFT;
        if (step == STEP_WAIT && !more) {
            c->want |= c->peer_ended || c->service->answer ? WANT_NOTHING : WANT_READ;
            return STEP_WAIT;
        }
    }
    return conn_yield(c, CONN_TIMEOUT_WRITE);
}
