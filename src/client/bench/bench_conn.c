/* SPDX-License-Identifier: MIT */
/* The life of a connection: dial, handshake, end, and whatever fails. It never waits. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/tls/transport_tls.h"

enum { END_WITHIN_NS = 1000000000 }; /* the server's end after ours */

/* Its turn among those of the name; after a failure the next one. */
static const struct address *address_of(const struct bench_conn *c)
{
    const struct address_list *addresses = &c->thread->run->target->addresses;
    return &addresses->items[(c->first + c->tried) % addresses->count];
}

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

/* It is gone. With handshakes its place is free for the next. */
static void leave(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    struct error ignored; /* removing cannot fail */
    reactor_want(t->reactor, &c->source, WANT_NOTHING, &ignored);
    if (c->state == BENCH_CONNECTING || c->state == BENCH_HANDSHAKING)
        t->opening--;
    if (c->borrowed)
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

void bench_conn_fail_as(struct bench_conn *c, const struct outcome *outcome)
{
    bench_count_failure(c, outcome);
    bench_conn_drop(c);
}

void bench_conn_fail(struct bench_conn *c, enum phase phase, const struct error *err)
{
    struct outcome outcome;
    outcome_fail_to_open(&outcome, phase, err, c->thread->run->target->options);
    bench_conn_fail_as(c, &outcome);
}

void bench_conn_wait(struct bench_conn *c, unsigned want)
{
    struct error err;
    if (reactor_want(c->thread->reactor, &c->source, want, &err) < 0)
        bench_conn_fail(c, PHASE_LOCAL, &err);
}

/* The server has ended, too, or is given up. */
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

/*
 * Drops what still comes. The server's FIN is awaited, so that TIME_WAIT is the server's: at
 * thousands of connections per second ours would have no port left within seconds.
 */
static void await_end(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    struct error err;
    struct io io;
    do
        io = transport_read(c->transport, t->in, BENCH_PIECE_BYTES, &err);
    while (io.status == IO_OK && io.more);

    switch (io.status) {
    case IO_OK:
    case IO_WANT_READ:
        bench_conn_wait(c, WANT_READ);
        return;
    case IO_WANT_WRITE:
        bench_conn_wait(c, WANT_READ | WANT_WRITE);
        return;
    case IO_EOF:
        if (socket_has_ended(c->source.fd))
            ended(c, false);
        else
            bench_conn_wait(c, WANT_READ);
        return;
    case IO_CUT:
    case IO_RESET:
        ended(c, false);
        return;
    case IO_FAILED: /* TLS 1.3 refuses a client's certificate only now */
        bench_conn_fail(c, PHASE_HANDSHAKE, &err);
        return;
    }
}

static void say_end(struct bench_conn *c)
{
    struct error err;
    if (!c->notified) {
        struct io io = transport_tls_close_notify(c->transport, &err);
        if (io.status == IO_WANT_WRITE || io.status == IO_WANT_READ) {
            bench_conn_wait(c, WANT_READ | WANT_WRITE);
            return;
        }
        c->notified = true;
    }
    await_end(c);
}

/*
 * A plain connection that only was to come up is reset: after two FINs the port would be ours to
 * keep for a minute. One that only receives has nothing to lose, and its server never ends.
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
        say_end(c);
}

/* Something of it is on its way. */
bool bench_conn_is_busy(const struct bench_conn *c)
{
    return c->unsent_bytes || c->flushing || c->answered < c->begun;
}

void bench_conn_finish(struct bench_conn *c)
{
    switch (c->state) {
    case BENCH_RUNNING:
    case BENCH_WAITING:
        if (!bench_conn_is_busy(c))
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

static void step(struct bench_conn *c, enum bench_step step, unsigned want,
                 const struct outcome *outcome)
{
    switch (step) {
    case BENCH_GO_ON:
        bench_conn_wait(c, want);
        return;
    case BENCH_DONE:
        bench_conn_end(c);
        return;
    case BENCH_FAILED:
        bench_conn_fail_as(c, outcome);
        return;
    }
}

void bench_conn_start(struct bench_conn *c)
{
    unsigned want = WANT_NOTHING;
    c->state = BENCH_RUNNING;
    c->last_activity_ns = clock_now_ns();
    enum bench_step next = bench_traffic_start(c, c->last_activity_ns, &want);
    step(c, next, want, NULL);
}

static void run(struct bench_conn *c)
{
    struct outcome outcome;
    unsigned want = WANT_NOTHING;
    enum bench_step next = bench_traffic_run(c, &want, &outcome);
    step(c, next, want, &outcome);
}

void bench_conn_send(struct bench_conn *c, uint64_t now_ns)
{
    bench_conn_wait(c, bench_traffic_send(c, now_ns));
}

static void use(struct bench_conn *c)
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
        bench_conn_wait(c, WANT_NOTHING);
}

static void up(struct bench_conn *c)
{
    c->up_ns = c->last_activity_ns = clock_now_ns();
    use(c);
}

/* Handshakes take long: one turn may have many of them, and none is worth it any more. */
static void shake_hands(struct bench_conn *c)
{
    struct error err;
    if (atomic_load(&c->thread->run->abandoned))
        return;
    struct io io = transport_handshake(c->transport, &err);
    switch (io.status) {
    case IO_OK:
        up(c);
        return;
    case IO_WANT_READ:
        bench_conn_wait(c, WANT_READ);
        return;
    case IO_WANT_WRITE:
        bench_conn_wait(c, WANT_READ | WANT_WRITE);
        return;
    case IO_EOF:
    case IO_CUT:
        error_set(&err, ERROR_TLS,
                  "the server closed the connection during the handshake: see its log");
        diagnosis_of_handshake(c->source.fd, c->connected_ns / 1000, &err);
        break;
    case IO_RESET:
        diagnosis_of_handshake(c->source.fd, c->connected_ns / 1000, &err);
        break;
    case IO_FAILED:
        break;
    }
    bench_conn_fail(c, PHASE_HANDSHAKE, &err);
}

static void dial_on(struct bench_conn *c);

/* The present address has refused, or there is no way to it. True: the next one is tried. */
static bool try_next(struct bench_conn *c)
{
    struct error ignored;
    if (c->tried + 1 >= c->thread->run->target->addresses.count)
        return false;
    c->tried++;
    if (c->source.fd >= 0) {
        reactor_want(c->thread->reactor, &c->source, WANT_NOTHING, &ignored);
        close(c->source.fd);
        c->source.fd = -1;
    }
    dial_on(c);
    return true;
}

static void connected(struct bench_conn *c)
{
    struct bench_thread *t = c->thread;
    struct target *target = t->run->target;
    struct error err;
    int refused = dial_finish(c->source.fd, address_of(c), &err);
    if (refused && try_next(c))
        return;
    if (refused || target_send_proxy_header(target, c->source.fd, &err) < 0) {
        bench_conn_fail(c, PHASE_CONNECT, &err);
        return;
    }
    c->connected_ns = clock_now_ns();
    c->state = BENCH_HANDSHAKING;
    struct transport_tls_options tls = {
        .ctx = target->context, .scratch = t->scratch, .server_name = target_server_name(target)};
    int made = target_is_tls(target) ? transport_tls_new(c->source.fd, &tls, &c->transport, &err)
                                     : transport_tcp_new(c->source.fd, &c->transport, &err);
    if (made == 0) {
        shake_hands(c);
        return;
    }
    c->source.fd = -1; /* it has been closed, and with that left the loop */
    c->source.want = WANT_NOTHING;
    bench_conn_fail(c, PHASE_LOCAL, &err);
}

static void ready(struct reactor_source *source)
{
    struct bench_conn *c = container_of(source, struct bench_conn, source);
    switch (c->state) {
    case BENCH_CONNECTING:
        connected(c);
        return;
    case BENCH_HANDSHAKING:
        shake_hands(c);
        return;
    case BENCH_RUNNING:
        run(c);
        return;
    case BENCH_ENDING:
        say_end(c);
        return;
    case BENCH_CLOSED:
    case BENCH_WAITING:
    case BENCH_OVER:
        return;
    }
}

/* What the connection before, in the same place, left behind. */
static void start_afresh(struct bench_conn *c)
{
    c->source.ready = ready;
    c->notified = c->write_closed = c->flushing = false;
    c->tried = 0;
    c->first = c->number + (c->thread->run->load->handshakes ? c->begun : 0);
    if (!c->dialled_ns)
        c->dialled_ns = clock_now_ns();
}

static void dial_on(struct bench_conn *c)
{
    struct bench_run *run = c->thread->run;
    struct error err;
    int dialled = dial_begin(address_of(c), &run->target->origin, &c->source.fd, &err);
    if (dialled < 0 && err.code == EAGAIN)
        return; /* the backlog of a Unix socket is full: at the next sweep */
    if (c->state == BENCH_CLOSED) {
        c->begun += run->load->handshakes;
        c->thread->opening++;
    }
    c->state = BENCH_CONNECTING;
    if (dialled == 0) {
        bench_conn_wait(c, WANT_WRITE);
        return;
    }
    c->source.fd = -1;
    if (!try_next(c))
        bench_conn_fail(c, PHASE_CONNECT, &err);
}

static uint64_t phase_ns(const struct session *session, enum phase phase)
{
    uint64_t us = session->phase_us[phase];
    return us == SESSION_UNKNOWN_US ? 0 : us * 1000;
}

uint64_t bench_conn_age_ns(const struct session *first)
{
    return first ? phase_ns(first, PHASE_CONNECT) + phase_ns(first, PHASE_HANDSHAKE) : 0;
}

/* The session that was opened to see whether the server is as it should be. */
static void take_over(struct bench_conn *c, const struct session *first)
{
    c->thread->run->first = NULL;
    c->transport = first->transport;
    c->borrowed = true;
    c->source.fd = first->transport->fd;
    c->up_ns = c->last_activity_ns = clock_now_ns();
    c->connected_ns = c->up_ns - phase_ns(first, PHASE_HANDSHAKE);
    c->dialled_ns = c->up_ns - bench_conn_age_ns(first);
    c->begun += c->thread->run->load->handshakes;
    c->thread->opening++;
    c->state = BENCH_HANDSHAKING;
    use(c);
}

void bench_conn_open(struct bench_conn *c)
{
    struct bench_run *run = c->thread->run;
    start_afresh(c);
    if (c->number == 0 && run->first) /* its thread's alone */
        take_over(c, run->first);
    else
        dial_on(c);
}

static bool is_past(uint64_t since_ns, uint64_t limit_ns, uint64_t now_ns)
{
    return limit_ns && now_ns >= since_ns && now_ns - since_ns >= limit_ns;
}

static void expire(struct bench_conn *c, enum phase phase)
{
    struct outcome outcome;
    struct error err;
    if (phase == PHASE_CONNECT) {
        dial_expire(c->source.fd, address_of(c), &err);
    } else if (phase == PHASE_HANDSHAKE) {
        error_set(&err, ERROR_TIMEOUT, "the handshake was not complete in time");
        diagnosis_of_handshake(c->source.fd, c->connected_ns / 1000, &err);
    } else {
        error_set(&err, ERROR_TIMEOUT, "nothing moved for %.6g s (--idle-timeout)",
                  (double)c->thread->run->target->options->idle_timeout_ms / 1e3);
        diagnosis_of_silence(c->source.fd, &err);
    }
    error_prefix(&err, "connection %" PRIu32, c->number + 1);
    outcome_fail_to_open(&outcome, phase, &err, c->thread->run->target->options);
    if (phase == PHASE_ECHO && bench_traffic_lacks_echo(c))
        outcome_advise(&outcome, BENCH_IF_WITHOUT_ECHO);
    bench_conn_fail_as(c, &outcome);
}

void bench_conn_sweep(struct bench_conn *c, uint64_t now_ns)
{
    const struct bench_load *load = c->thread->run->load;
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
        return;
    case BENCH_RUNNING:
        if ((bench_conn_is_busy(c) || !load->size_bytes) &&
            is_past(c->last_activity_ns, load->idle_timeout_ns, now_ns))
            expire(c, PHASE_ECHO);
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
