/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/session.h"

#include <unistd.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/client/interrupt.h"
#include "tlsecho/client/session_wait.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/net/lookup.h"
#include "tlsecho/tls/transport_tls.h"

void session_init(struct session *s, struct target *target)
{
    *s = (struct session){.target = target,
                          .phase = PHASE_OPTIONS,
                          .started_us = clock_now_us(),
                          .deadline_us = UINT64_MAX,
                          .stop_fd = interrupt_fd()};
    for (int i = 0; i < PHASES; i++)
        s->phase_us[i] = SESSION_UNKNOWN_US;
}

static int look_up(struct session *s, uint64_t deadline_us, struct error *err)
{
    struct target *t = s->target;
    const char *host = target_destination(t)->host;
    struct lookup_query query = {.endpoint = target_destination(t), .family = t->options->family};
    struct lookup *lookup;
    if (lookup_start(&query, &lookup, err) < 0)
        return -1;
    struct session_wait wait = {
        .fd = lookup_fd(lookup), .want = WANT_READ, .stop_fd = s->stop_fd, .due_us = deadline_us};
    int event = session_wait(&wait, err);
    if (event == SESSION_READY)
        return lookup_finish(lookup, &t->addresses, err);
    lookup_abandon(lookup);
    if (event == SESSION_DUE)
        error_set(err, ERROR_TIMEOUT, "look up %s: no answer in time", host);
    else if (event == SESSION_STOPPED)
        error_set(err, ERROR_INTERRUPTED, "look up %s: interrupted", host);
    return -1;
}

/* A name is looked up once, unless its addresses are forgotten. */
static int resolve(struct session *s, uint64_t deadline_us, struct error *err)
{
    s->phase = PHASE_DNS;
    if (s->target->addresses.count)
        return 0;
    uint64_t since_us = clock_now_us();
    if (look_up(s, deadline_us, err) < 0)
        return -1;
    s->phase_us[PHASE_DNS] = clock_now_us() - since_us;
    return 0;
}

static int connect_to(struct session *s, uint64_t deadline_us, int *ret_fd, struct error *err)
{
    const struct target *t = s->target;
    uint64_t since_us = clock_now_us();
    size_t index = 0;
    s->phase = PHASE_CONNECT;
    struct dial_request request = {.addresses = t->addresses.items,
                                   .count = t->addresses.count,
                                   .origin = &t->origin,
                                   .deadline_us = deadline_us,
                                   .stop_fd = s->stop_fd};
    int dialled = dial(&request, ret_fd, &index, err);
    s->peer = t->addresses.items[index];
    if (dialled < 0)
        return -1;
    s->phase_us[PHASE_CONNECT] = clock_now_us() - since_us;
    return 0;
}

static int wait_for(const struct session *s, unsigned want, uint64_t deadline_us, struct error *err)
{
    struct session_wait wait = {
        .fd = s->transport->fd, .want = want, .stop_fd = s->stop_fd, .due_us = deadline_us};
    int event = session_wait(&wait, err);
    if (event == SESSION_DUE)
        return error_set(err, ERROR_TIMEOUT,
                         "the handshake was not complete in time: check that it is a TLS port");
    if (event == SESSION_STOPPED)
        return error_set(err, ERROR_INTERRUPTED, "interrupted before the handshake was complete");
    return event < 0 ? -1 : 0;
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
            error_set(err, ERROR_CLOSED, "the server closed the connection during the handshake");
            return diagnosis_of_handshake(s->transport->fd, begun_us, s->target->options, err);
        case IO_RESET:
            return diagnosis_of_handshake(s->transport->fd, begun_us, s->target->options, err);
        case IO_FAILED:
            return -1;
        }
        unsigned want = io.status == IO_WANT_READ ? WANT_READ : WANT_WRITE;
        if (wait_for(s, want, deadline_us, err) < 0)
            return err->kind == ERROR_INTERRUPTED
                       ? -1
                       : diagnosis_of_handshake(s->transport->fd, begun_us, s->target->options,
                                                err);
    }
}

static int shake_hands(struct session *s, int fd, uint64_t deadline_us, struct error *err)
{
    struct target *t = s->target;
    struct error unknown;
    socket_addresses(fd, NULL, &s->own, &unknown); /* the server may have closed already */
    if (target_send_proxy_header(t, fd, err) < 0) {
        close(fd);
        return -1;
    }
    if (!target_is_tls(t)) {
        s->phase = PHASE_ECHO;
        return transport_tcp_new(fd, &s->transport, err);
    }

    uint64_t since_us = clock_now_us();
    s->phase = PHASE_HANDSHAKE;
    struct transport_tls_options tls = {
        .ctx = t->context, .scratch = t->scratch, .server_name = target_server_name(t)};
    if (transport_tls_new(fd, &tls, &s->transport, err) < 0 || handshake(s, deadline_us, err) < 0)
        return -1;
    s->phase_us[PHASE_HANDSHAKE] = clock_now_us() - since_us;
    s->phase = PHASE_ECHO;
    return 0;
}

/* The end of the limit for look-up, TCP and TLS together, from now on. */
static uint64_t deadline_of(const struct session *s)
{
    uint64_t limit_ms = s->target->options->connect_timeout_ms;
    uint64_t due_us = limit_ms ? clock_now_us() + limit_ms * 1000 : UINT64_MAX;
    return due_us < s->deadline_us ? due_us : s->deadline_us;
}

int session_resolve(struct session *s, uint64_t *ret_deadline_us, struct error *err)
{
    if (target_prepare(s->target, err) < 0)
        return -1;
    uint64_t deadline_us = deadline_of(s);
    if (resolve(s, deadline_us, err) < 0)
        return -1;
    *ret_deadline_us = deadline_us;
    return 0;
}

int session_open(struct session *s, struct error *err)
{
    int fd;
    uint64_t deadline_us;
    if (session_resolve(s, &deadline_us, err) < 0 || connect_to(s, deadline_us, &fd, err) < 0)
        return -1;
    return shake_hands(s, fd, deadline_us, err);
}

void session_keep(struct session *s, struct outcome *outcome)
{
    struct error err;
    struct tls_context *context = s->target->context;
    if (!context || outcome->result != RESULT_OK)
        return;
    int kept = 0;
    if (tls_context_save_session(context, &err) < 0)
        kept = error_prefix(&err, "--resume");
    else if (tls_context_check_keylog(context, &err) < 0)
        kept = error_prefix(&err, "%s", s->target->options->keylog_name);
    if (kept < 0)
        outcome_fail(outcome, PHASE_LOCAL, &err);
}

void session_close(struct session *s)
{
    struct error ignored;
    if (s->transport && s->transport->fd >= 0)
        transport_shutdown(s->transport, &ignored); /* sends the alert or close_notify if it fits */
    transport_free(s->transport);
    session_init(s, s->target);
}
