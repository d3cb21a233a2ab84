/* SPDX-License-Identifier: MIT */
/* Requests are read and answered, one after the other; input behind a request waits meanwhile. */
#include <stdlib.h>

#include "conn_internal.h"
#include "tlsecho/server/conn_info.h"

struct conversation {
    struct service_talk *talk;
    struct buf input;         /* not yet taken by the talk */
    bool head_timed;          /* the time-out of the present head runs */
    bool last;                /* the talk has been told to end after this answer */
    enum conn_end input_ends; /* how the peer closed its direction */
};

static enum step out_of_memory(struct conn *c)
{
    struct error err;
    error_set(&err, ERROR_SYSTEM, "no memory for a request");
    return conn_fail(c, &err, CONN_END_FAILED);
}

void conn_conversation_free(struct conn *c)
{
    struct conversation *v = c->conversation;
    if (!v)
        return;
    pool_return(c->pool, &v->input);
    c->service->requests->free(v->talk);
    free(v);
    c->conversation = NULL;
}

static enum step begin(struct conn *c)
{
    struct conversation *v = calloc(1, sizeof *v);
    if (!v)
        return out_of_memory(c);
    c->conversation = v;
    v->talk = c->service->requests->start();
    return v->talk ? STEP_ON : out_of_memory(c);
}

/* While input is awaited or has come: the time of a head runs from its first byte, and a drain
 * leaves that of a body as it is. */
static enum conn_timeout input_timeout(struct conn *c, enum service_next next)
{
    struct conversation *v = c->conversation;
    bool in_head = next == SERVICE_READS_HEAD;
    c->timeout_anew = in_head && !v->head_timed;
    v->head_timed = in_head;
    if (in_head)
        return CONN_TIMEOUT_HANDSHAKE;
    return next == SERVICE_WAITS ? conn_quiet_timeout(c) : CONN_TIMEOUT_IDLE;
}

static enum step wait_for_input(struct conn *c, enum service_next next)
{
    return conn_wait(c, IO_WANT_READ, input_timeout(c, next));
}

static enum step end_input(struct conn *c, enum conn_end reason)
{
    c->peer_ended = true;
    c->conversation->input_ends = reason;
    return STEP_ON;
}

/* Reads once. STEP_ON: there is input, or it has ended. */
static enum step read_input(struct conn *c, enum service_next next, bool *more)
{
    struct conversation *v = c->conversation;
    if (!pool_lend(c->pool, &v->input))
        return out_of_memory(c);
    struct error err ERROR_UNSET;
    struct io io = transport_read(c->transport, v->input.data, v->input.size, &err);
    *more = io.more;
    c->progressed = c->progressed || io.progressed;
    if (io.status == IO_OK) {
        conn_count_input(c, v->input.data, io.n);
        v->input.end = io.n;
        return STEP_ON;
    }
    pool_return(c->pool, &v->input);
    switch (io.status) {
    case IO_OK:
        break;
    case IO_WANT_READ:
        return wait_for_input(c, next);
    case IO_WANT_WRITE:
        return conn_wait(c, io.status, CONN_TIMEOUT_WRITE);
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

/* Hands input to the talk, or gets some. */
static enum step take_input(struct conn *c, enum service_next next, bool *more)
{
    struct conversation *v = c->conversation;
    const struct service_requests *requests = c->service->requests;
    if (buf_waiting(&v->input) > 0) {
        buf_take(&v->input, requests->take(v->talk, buf_front(&v->input), buf_waiting(&v->input)));
        if (buf_waiting(&v->input) == 0)
            pool_return(c->pool, &v->input);
        return STEP_ON;
    }
    if (c->peer_ended && next == SERVICE_WAITS)
        return conn_peer_ended(c, v->input_ends, CONN_SHUTDOWN);
    if (c->peer_ended) {
        requests->cut(v->talk, SERVICE_CUT_ENDED);
        return STEP_ON;
    }
    return *more ? read_input(c, next, more) : wait_for_input(c, next);
}

static enum step write_output(struct conn *c)
{
    struct conversation *v = c->conversation;
    struct conn_info info;
    v->head_timed = false;
    if (!pool_lend(c->pool, &c->output))
        return out_of_memory(c);
    c->describe(c, &info);
    v->last = c->draining || info.stopping;
    const struct service_output output = {
        .info = &info, .last = v->last, .data = c->output.data, .size = c->output.size};
    c->output.end = c->service->requests->write(v->talk, &output);
    c->sending = c->output.end > 0;
    if (!c->sending)
        pool_return(c->pool, &c->output);
    return STEP_ON;
}

static enum step end(struct conn *c)
{
    struct error err;
    bool last = c->conversation->last;
    enum conn_end reason = c->service->requests->end(c->conversation->talk, &err);
    conn_conversation_free(c);
    if (reason == CONN_END_FINISHED)
        return conn_end_as(c, last ? CONN_END_DRAINED : reason, CONN_SHUTDOWN);
    return conn_fail(c, &err, reason);
}

enum step conn_converse(struct conn *c)
{
    bool more = true;
    if (!c->conversation && begin(c) == STEP_LEFT)
        return STEP_LEFT;
    for (int turn = 0; turn < CONN_STEPS_MAX; turn++) {
        enum step step = conn_send_output(c, CONN_TIMEOUT_WRITE);
        if (step != STEP_ON)
            return step;
        enum service_next next = c->service->requests->next(c->conversation->talk);
        switch (next) {
        case SERVICE_WAITS:
        case SERVICE_READS_HEAD:
        case SERVICE_READS_BODY:
            step = take_input(c, next, &more);
            break;
        case SERVICE_WRITES:
            step = write_output(c);
            break;
        case SERVICE_ENDS:
            return end(c);
        }
        if (step != STEP_ON)
            return step;
    }
    return conn_yield(c, input_timeout(c, c->service->requests->next(c->conversation->talk)));
}

bool conn_converse_reads(const struct conn *c)
{
    const struct conversation *v = c->conversation;
    if (c->state != CONN_CONVERSE || !v)
        return false;
    enum service_next next = c->service->requests->next(v->talk);
    return next == SERVICE_READS_HEAD || next == SERVICE_READS_BODY;
}

bool conn_converse_late(struct conn *c)
{
    if (!conn_converse_reads(c))
        return false;
    c->service->requests->cut(c->conversation->talk, SERVICE_CUT_LATE);
    return true;
}

void conn_converse_finish(struct conn *c, enum conn_end reason)
{
    bool answers = !c->sending && conn_converse_late(c);
    conn_end_as(c, reason, CONN_SHUTDOWN);
    if (answers)
        write_output(c);
}
