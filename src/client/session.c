/* SPDX-License-Identifier: MIT */
#include "tlsecho/session.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "tlsecho/clock.h"
#include "tlsecho/diagnosis.h"
#include "tlsecho/dial.h"

void session_init(struct session *s, struct target *target)
{
    *s = (struct session){.target = target,
                          .phase = PHASE_OPTIONS,
                          .started_us = clock_now_us(),
                          .deadline_us = UINT64_MAX,
                          .stop_fd = -1};
    for (int i = 0; i < PHASES; i++)
        s->phase_us[i] = SESSION_UNKNOWN_US;
}

/* The name is looked up once; later sessions had no such phase. */
static int resolve(struct session *s, struct error *err)
{
    s->phase = PHASE_DNS;
    if (s->target->addresses.count)
        return 0;
    uint64_t since_us = clock_now_us();
    if (target_resolve(s->target, err) < 0)
        return -1;
    s->phase_us[PHASE_DNS] = clock_now_us() - since_us;
    return 0;
}

static int connect_to(struct session *s, uint64_t *ret_deadline_us, int *ret_fd, struct error *err)
{
    const struct target *t = s->target;
    uint64_t since_us = clock_now_us(), limit_ms = t->options->connect_timeout_ms;
    size_t index = 0;
    s->phase = PHASE_CONNECT;
    *ret_deadline_us = s->deadline_us;
    if (limit_ms && since_us + limit_ms * 1000 < s->deadline_us)
        *ret_deadline_us = since_us + limit_ms * 1000;
    int dialled = dial(t->addresses.items, t->addresses.count, t->source.length ? &t->source : NULL,
                       *ret_deadline_us, s->stop_fd, ret_fd, &index, err);
    s->peer = t->addresses.items[index];
    if (dialled < 0)
        return -1;
    s->phase_us[PHASE_CONNECT] = clock_now_us() - since_us;
    return 0;
}

static int wait_for(const struct session *s, short events, uint64_t deadline_us, struct error *err)
{
    struct pollfd polls[] = {{.fd = s->transport->fd, .events = events},
                             {.fd = s->stop_fd, .events = POLLIN}};
    int ready;
    do
        ready = poll(polls, 2, clock_poll_ms(clock_now_us(), deadline_us));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return error_sys(err, "poll");
    if (ready == 0)
        return error_set(err, ERROR_TIMEOUT, "no complete handshake in time: is it a TLS port?");
    if (polls[1].revents)
        return error_set(err, ERROR_TIMEOUT, "interrupted");
    return 0;
}

static int handshake(struct session *s, uint64_t deadline_us, struct error *err)
{
    uint64_t begun_us = clock_now_us();
    for (;;) {
        struct io io = transport_handshake(s->transport, err);
        switch (io.status) {
        case IO_OK:
            return 0;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            break;
        case IO_EOF:
        case IO_CUT:
            error_set(err, ERROR_TLS,
                      "the far end left in the middle of the handshake: its log may say why");
            return diagnosis_of_handshake(s->transport->fd, begun_us, err);
        case IO_RESET:
            return diagnosis_of_handshake(s->transport->fd, begun_us, err);
        case IO_FAILED:
            return -1;
        }
        if (wait_for(s, io.status == IO_WANT_READ ? POLLIN : POLLOUT, deadline_us, err) < 0)
            return diagnosis_of_handshake(s->transport->fd, begun_us, err);
    }
}

static int shake_hands(struct session *s, int fd, uint64_t deadline_us, struct error *err)
{
    struct target *t = s->target;
    struct error unknown;
    socket_addresses(fd, NULL, &s->own, &unknown); /* the far end may have left already */
    if (target_introduce(t, fd, err) < 0) {
        close(fd);
        return -1;
    }
    if (!target_is_tls(t)) {
        s->phase = PHASE_ECHO;
        return transport_tcp_new(fd, &s->transport, err);
    }

    uint64_t since_us = clock_now_us();
    s->phase = PHASE_HANDSHAKE;
    if (transport_tls_new(fd, t->context, target_server_name(t), t->scratch, &s->transport, err) <
            0 ||
        handshake(s, deadline_us, err) < 0)
        return -1;
    s->phase_us[PHASE_HANDSHAKE] = clock_now_us() - since_us;
    s->phase = PHASE_ECHO;
    return 0;
}

int session_open(struct session *s, struct error *err)
{
    int fd;
    uint64_t deadline_us;
    if (target_prepare(s->target, err) < 0 || resolve(s, err) < 0 ||
        connect_to(s, &deadline_us, &fd, err) < 0)
        return -1;
    return shake_hands(s, fd, deadline_us, err);
}

void session_keep(struct session *s, struct outcome *outcome)
{
    struct error err;
    struct tls_context *context = s->target->context;
    if (context && tls_context_save_session(context, &err) < 0 && outcome->result == RESULT_OK)
        outcome_fail(outcome, PHASE_LOCAL, &err);
}

void session_close(struct session *s)
{
    struct error ignored;
    if (s->transport)
        transport_shutdown(s->transport, &ignored); /* the alert, or close_notify, if it fits */
    transport_free(s->transport);
    session_init(s, s->target);
}
