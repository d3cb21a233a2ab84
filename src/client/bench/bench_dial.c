/* SPDX-License-Identifier: MIT */
#include "bench_dial.h"

#include <errno.h>
#include <unistd.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/tls/transport_tls.h"

/* The connections start with the addresses in turn; after a failure each takes the next one. */
static const struct address *address_of(const struct bench_conn *c)
{
    const struct address_list *addresses = &c->thread->run->target->addresses;
    return &addresses->items[(c->first + c->tried) % addresses->count];
}

static enum bench_step fail(const struct bench_conn *c, enum phase phase, const struct error *err,
                            struct outcome *ret)
{
    outcome_fail_to_open(ret, phase, err, c->thread->run->target->options);
    return BENCH_FAILED;
}

static int diagnose(const struct bench_conn *c, struct error *err)
{
    return diagnosis_of_handshake(c->source.fd, c->connected_ns / 1000,
                                  c->thread->run->target->options, err);
}

/* After a failed attempt. False: every address has been tried. */
static bool take_next_address(struct bench_conn *c)
{
    struct error ignored; /* removing cannot fail */
    if (c->tried + 1 >= c->thread->run->target->addresses.count)
        return false;
    c->tried++;
    if (c->source.fd >= 0) {
        reactor_want(c->thread->reactor, &c->source, WANT_NOTHING, &ignored);
        close(c->source.fd);
        c->source.fd = -1;
    }
    return true;
}

static enum bench_step dial_addresses(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    struct bench_run *run = c->thread->run;
    struct error err;
    int result;
    do {
        result = dial_begin(address_of(c), &run->target->origin, &c->source.fd, &err);
        if (result < 0 && err.code == EAGAIN) { /* the backlog is full: at the next sweep */
            *ret_want = WANT_NOTHING;
            return BENCH_GO_ON;
        }
        if (c->state == BENCH_CLOSED) {
            c->begun += run->load->handshakes;
            c->thread->opening++;
        }
        c->state = BENCH_CONNECTING;
        if (result == 0) {
            *ret_want = WANT_WRITE;
            return BENCH_GO_ON;
        }
        c->source.fd = -1;
    } while (take_next_address(c));
    return fail(c, PHASE_CONNECT, &err, ret);
}

/* Resets what the previous connection in the same place has left. */
enum bench_step bench_dial_begin(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    c->notified = c->write_closed = c->flushing = false;
    c->failure = 0;
    c->tried = 0;
    c->first = c->number + (c->thread->run->load->handshakes ? c->begun : 0);
    if (!c->dialled_ns)
        c->dialled_ns = clock_now_ns();
    return dial_addresses(c, ret_want, ret);
}

/* A handshake takes long, and one turn may have many: none is needed once the run is abandoned. */
static enum bench_step shake_hands(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    struct error err;
    *ret_want = WANT_READ;
    if (atomic_load(&c->thread->run->abandoned))
        return BENCH_GO_ON;
    struct io io = transport_handshake(c->transport, &err);
    switch (io.status) {
    case IO_OK:
        c->up_ns = c->last_activity_ns = clock_now_ns();
        return BENCH_DONE;
    case IO_WANT_READ:
        return BENCH_GO_ON;
    case IO_WANT_WRITE:
        *ret_want = WANT_READ | WANT_WRITE;
        return BENCH_GO_ON;
    case IO_EOF:
    case IO_CUT:
        error_set(&err, ERROR_CLOSED, "the server closed the connection during the handshake");
        diagnose(c, &err);
        break;
    case IO_RESET:
        diagnose(c, &err);
        break;
    case IO_FAILED:
        break;
    }
    return fail(c, PHASE_HANDSHAKE, &err, ret);
}

static enum bench_step connected(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    struct bench_thread *t = c->thread;
    struct target *target = t->run->target;
    struct error err;
    int refused = dial_finish(c->source.fd, address_of(c), &err);
    if (refused && take_next_address(c))
        return dial_addresses(c, ret_want, ret);
    if (refused || target_send_proxy_header(target, c->source.fd, &err) < 0)
        return fail(c, PHASE_CONNECT, &err, ret);
    c->connected_ns = clock_now_ns();
    c->state = BENCH_HANDSHAKING;
    struct transport_tls_options tls = {
        .ctx = target->context, .scratch = t->scratch, .server_name = target_server_name(target)};
    int made = target_is_tls(target) ? transport_tls_new(c->source.fd, &tls, &c->transport, &err)
                                     : transport_tcp_new(c->source.fd, &c->transport, &err);
    if (made == 0)
        return shake_hands(c, ret_want, ret);
    c->source.fd = -1; /* it has been closed, and so removed from the loop */
    c->source.want = WANT_NOTHING;
    return fail(c, PHASE_LOCAL, &err, ret);
}

enum bench_step bench_dial_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    return c->state == BENCH_CONNECTING ? connected(c, ret_want, ret)
                                        : shake_hands(c, ret_want, ret);
}

static uint64_t phase_ns(const struct session *session, enum phase phase)
{
    uint64_t us = session->phase_us[phase];
    return us == SESSION_UNKNOWN_US ? 0 : us * 1000;
}

uint64_t bench_dial_session_ns(const struct session *session)
{
    return session ? phase_ns(session, PHASE_CONNECT) + phase_ns(session, PHASE_HANDSHAKE) : 0;
}

void bench_dial_take_over(struct bench_conn *c, const struct session *session)
{
    c->transport = session->transport;
    c->borrowed = true;
    c->source.fd = session->transport->fd;
    c->up_ns = c->last_activity_ns = clock_now_ns();
    c->connected_ns = c->up_ns - phase_ns(session, PHASE_HANDSHAKE);
    c->dialled_ns = c->up_ns - bench_dial_session_ns(session);
    c->begun += c->thread->run->load->handshakes;
    c->thread->opening++;
    c->state = BENCH_HANDSHAKING;
}

int bench_dial_expire(const struct bench_conn *c, struct error *err)
{
    if (c->state == BENCH_CONNECTING)
        return dial_expire(c->source.fd, address_of(c), err);
    error_set(err, ERROR_TIMEOUT, "the handshake was not complete in time");
    return diagnose(c, err);
}
