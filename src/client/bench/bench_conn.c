/* SPDX-License-Identifier: MIT */
#include "bench_conn.h"

#include <inttypes.h>
#include <unistd.h>

#include "bench_count.h"
#include "bench_datagram.h"
#include "bench_dial.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/socket.h"

enum { END_WITHIN_NS = 1000000000 }; /* the server's end after ours */

static const struct bench_carrier *carrier_of(const struct bench_conn *c)
{
    return c->thread->run->carrier;
}

/* The first time that the connection comes up or fails. */
static void settle(struct bench_conn *c, bool up)
{
    struct bench_run *run = c->thread->run;
    if (c->settled)
        return;
    c->settled = true;
    atomic_fetch_add(&run->up, up);
    if (atomic_fetch_add(&run->settled, 1) + 1 == run->load->connections)
        bench_count_news(run);
}

/* Closes it. With handshakes the next connection takes its place. */
static void leave(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    struct error ignored; /* removing cannot fail */
    reactor_want(t->reactor, &c->source, WANT_NOTHING, &ignored);
    if (c->state == BENCH_CONNECTING || c->state == BENCH_HANDSHAKING)
        t->opening--;
    if (c->datagrams)
        bench_datagram_close(c);
    else if (c->borrowed)
        transport_hang_up(c->transport);
    else if (c->transport)
        transport_free(c->transport);
    else if (c->source.fd >= 0)
        close(c->source.fd);
    c->transport = NULL;
    c->borrowed = false;
    c->source.fd = -1;
    c->dialled_ns = 0;
    settle(c, false);

    bool again = t->run->load->handshakes && !t->finishing && c->begun < c->quota;
    c->state = again ? BENCH_CLOSED : BENCH_OVER;
    t->over += !again;
}

void bench_conn_drop(struct bench_conn *c)
{
    if (c->source.fd >= 0)
        socket_reset_on_close(c->source.fd);
    leave(c);
}

static void fail_as(struct bench_conn *c, const struct outcome *outcome)
{
    bench_count_failure(c, outcome);
    bench_conn_drop(c);
}

/* reactor_want; if that fails, so does the connection. */
static void wait_for(struct bench_conn *c, unsigned want)
{
    struct outcome outcome;
    struct error err;
    if (reactor_want(c->thread->reactor, &c->source, want, &err) == 0)
        return;
    outcome_fail_to_open(&outcome, PHASE_LOCAL, &err, c->thread->run->target->options);
    fail_as(c, &outcome);
}

/* The server has ended too, or is not waited for. */
static void ended(struct bench_conn *c, bool reset)
{
    bool handshakes = c->thread->run->load->handshakes;
    if (handshakes)
        bench_count_up(c);
    if (reset)
        bench_conn_drop(c);
    else
        leave(c);
    if (c->state == BENCH_CLOSED)
        bench_conn_open(c);
}

static void up(struct bench_conn *c);

/* The state that it is in is complete. */
static void enter_next_state(struct bench_conn *c)
{
    switch (c->state) {
    case BENCH_CONNECTING:
    case BENCH_HANDSHAKING:
        up(c);
        return;
    case BENCH_RUNNING:
        bench_conn_end(c);
        return;
    case BENCH_ENDING:
        ended(c, false);
        return;
    case BENCH_CLOSED:
    case BENCH_WAITING:
    case BENCH_OVER:
        return;
    }
}

static void take_step(struct bench_conn *c, enum bench_step step, unsigned want,
                      const struct outcome *outcome)
{
    switch (step) {
    case BENCH_GO_ON:
        wait_for(c, want);
        return;
    case BENCH_DONE:
        enter_next_state(c);
        return;
    case BENCH_FAILED:
        fail_as(c, outcome);
        return;
    }
}

static void run_end(struct bench_conn *c)
{
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    enum bench_step step = carrier_of(c)->end(c, &want, &outcome);
    take_step(c, step, want, &outcome);
}

/*
 * A plain connection that was only to come up is reset: after two FINs its port would be in
 * TIME_WAIT here for a minute. One that only receives loses nothing by RST, and its server never
 * ends.
 */
void bench_conn_end(struct bench_conn *c)
{
    const struct bench_load *load = c->thread->run->load;
    bool plain = !target_is_tls(c->thread->run->target);
    c->state = BENCH_ENDING;
    c->last_activity_ns = clock_now_ns();
    if ((load->handshakes && plain) || (!load->handshakes && !load->size_bytes))
        ended(c, true);
    else
        run_end(c);
}

void bench_conn_finish(struct bench_conn *c)
{
    switch (c->state) {
    case BENCH_RUNNING:
    case BENCH_WAITING:
        if (!carrier_of(c)->is_busy(c))
            bench_conn_end(c);
        return;
    case BENCH_CLOSED:
    case BENCH_CONNECTING:
    case BENCH_HANDSHAKING:
        bench_conn_drop(c);
        return;
    case BENCH_ENDING:
    case BENCH_OVER:
        return;
    }
}

void bench_conn_start(struct bench_conn *c)
{
    unsigned want = WANT_NOTHING;
    c->state = BENCH_RUNNING;
    c->last_activity_ns = clock_now_ns();
    enum bench_step step = carrier_of(c)->start(c, c->last_activity_ns, &want);
    take_step(c, step, want, NULL);
}

void bench_conn_send(struct bench_conn *c, uint64_t now_ns)
{
    wait_for(c, carrier_of(c)->send(c, now_ns));
}

static void await_start(struct bench_conn *c)
{
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    enum bench_step step = carrier_of(c)->wait(c, &want, &outcome);
    take_step(c, step, want, &outcome);
}

static void up(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    t->opening--;
    c->state = BENCH_WAITING;
    settle(c, true);
    if (t->run->load->handshakes) {
        bench_conn_end(c);
        return;
    }
    bench_count_up(c);
    if (t->start_ns)
        bench_conn_start(c);
    else
        await_start(c);
}

static void ready(struct reactor_source *source)
{
    struct bench_conn *c = container_of(source, struct bench_conn, source);
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    enum bench_step step = BENCH_GO_ON;
    switch (c->state) {
    case BENCH_CONNECTING:
    case BENCH_HANDSHAKING:
        step = carrier_of(c)->opening(c, &want, &outcome);
        break;
    case BENCH_WAITING:
        await_start(c);
        return;
    case BENCH_RUNNING:
        step = carrier_of(c)->run(c, &want, &outcome);
        break;
    case BENCH_ENDING:
        step = carrier_of(c)->end(c, &want, &outcome);
        break;
    case BENCH_CLOSED:
    case BENCH_OVER:
        return;
    }
    take_step(c, step, want, &outcome);
}

void bench_conn_open(struct bench_conn *c)
{
    struct bench_run *run = c->thread->run;
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    c->source.ready = ready;
    if (c->number == 0 && run->first) { /* only its thread looks at it */
        bench_dial_take_over(c, run->first);
        run->first = NULL;
        up(c);
        return;
    }
    enum bench_step step = carrier_of(c)->open(c, &want, &outcome);
    take_step(c, step, want, &outcome);
}

static bool is_past(uint64_t since_ns, uint64_t limit_ns, uint64_t now_ns)
{
    return limit_ns && now_ns >= since_ns && now_ns - since_ns >= limit_ns;
}

static void expire(struct bench_conn *c, enum phase phase)
{
    const struct options *options = c->thread->run->target->options;
    struct outcome outcome;
    struct error err;
    bench_dial_expire(c, &err);
    error_prefix(&err, "connection %" PRIu32, c->number + 1);
    outcome_fail_to_open(&outcome, phase, &err, options);
    fail_as(c, &outcome);
}

void bench_conn_sweep(struct bench_conn *c, uint64_t now_ns)
{
    const struct bench_load *load = c->thread->run->load;
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    enum bench_step step;
    switch (c->state) {
    case BENCH_CLOSED:
        bench_conn_open(c);
        return;
    case BENCH_CONNECTING:
        if (is_past(c->dialled_ns, load->connect_timeout_ns, now_ns))
            expire(c, PHASE_CONNECT);
        return;
    case BENCH_HANDSHAKING:
        if (is_past(c->dialled_ns, load->connect_timeout_ns, now_ns))
            expire(c, PHASE_HANDSHAKE);
        else if (c->datagrams)
            ready(&c->source); /* a flight may have to be sent again */
        return;
    case BENCH_RUNNING:
        step = carrier_of(c)->sweep(c, now_ns, &want, &outcome);
        take_step(c, step, want, &outcome);
        return;
    case BENCH_ENDING:
        if (is_past(c->last_activity_ns, END_WITHIN_NS, now_ns))
            ended(c, true);
        return;
    case BENCH_WAITING:
    case BENCH_OVER:
        return;
    }
}
