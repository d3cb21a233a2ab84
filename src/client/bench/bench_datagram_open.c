/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bench_datagram.h"
#include "bench_datagram_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/datagram_dtls.h"
#include "tlsecho/client/datagram_link.h"

enum {
    LEAST_REMEMBERED = 64,
    MOST_REMEMBERED = 1 << 20, /* per socket: 16 MiB */
};

static const struct address *peer_of(const struct bench_conn *c)
{
    return &c->thread->run->target->addresses.items[0];
}

void bench_datagram_judge(const struct bench_conn *c, const struct datagram_error *error,
                          struct outcome *ret)
{
    const struct bench_datagrams *d = c->datagrams;
    const struct datagram_attempt attempt = {
        .socket = d->socket, .peer = peer_of(c), .bytes = d->payload.bytes};
    datagram_link_judge(error, &attempt, c->thread->run->target->options, ret);
}

/* As many as are sent before the first of them is lost, and some more. */
static size_t remembered(const struct bench_load *load, const struct datagram_payload *payload)
{
    double sent = load->rate / load->connections * 1.5 * (double)BENCH_DATAGRAM_WAIT_MS / 1e3;
    size_t most = datagram_payload_window(payload), size = LEAST_REMEMBERED;
    most = most < MOST_REMEMBERED ? most : MOST_REMEMBERED;
    while (size < most && (double)size < sent)
        size *= 2;
    return size < most ? size : most;
}

static int open_socket(const struct bench_conn *c, struct datagram_socket **ret, struct error *err)
{
    const struct target *target = c->thread->run->target;
    const struct datagram_options options = {.errors = true};
    const struct dtls_session_options dtls = {.ctx = target->context,
                                              .server_name = target_server_name(target)};
    struct datagram_socket *plain;
    if (datagram_connect(peer_of(c), &target->origin, &options, &plain, err) < 0)
        return -1;
    if (target_is_tls(target))
        return datagram_dtls_new(plain, &dtls, ret, err);
    *ret = plain;
    return 0;
}

static int make(struct bench_conn *c, struct error *err)
{
    const struct bench_run *run = c->thread->run;
    struct bench_datagrams *d = c->datagrams = calloc(1, sizeof *d);
    if (!d)
        return error_sys(err, "memory for a socket");
    d->payload = (struct datagram_payload){.key = c->number + (uint32_t)run->opening_ns,
                                           .bytes = (size_t)run->load->size_bytes,
                                           .expect = run->load->expect};
    if (ledger_init(&d->ledger, BENCH_DATAGRAM_WAIT_MS * UINT64_C(1000000),
                    remembered(run->load, &d->payload), err) < 0 ||
        open_socket(c, &d->socket, err) < 0)
        return -1;
    c->source.fd = d->socket->fd;
    return 0;
}

/* A step of a DTLS handshake. A lost flight is sent again by bench_conn_sweep. */
enum bench_step bench_datagram_shake_hands(struct bench_conn *c, unsigned *ret_want,
                                           struct outcome *ret)
{
    const struct options *options = c->thread->run->target->options;
    struct datagram_socket *socket = c->datagrams->socket;
    struct datagram_error error;
    struct error err = {.alert = -1};
    *ret_want = WANT_READ;
    switch (datagram_dtls_handshake(socket, &err)) {
    case DTLS_OK:
        c->up_ns = c->last_activity_ns = clock_now_ns();
        return BENCH_DONE;
    case DTLS_WAIT:
        if (!datagram_take_error(socket, &error))
            return BENCH_GO_ON;
        bench_datagram_judge(c, &error, ret);
        return BENCH_FAILED;
    case DTLS_CLOSED:
        error_set(&err, ERROR_TLS,
                  "the server sent close_notify during the handshake: see its log");
        break;
    case DTLS_FAILED:
        if (err.kind == ERROR_TIMEOUT)
            datagram_dtls_describe_silence(socket, &err);
        break;
    }
    outcome_fail_to_open(ret, PHASE_HANDSHAKE, &err, options);
    return BENCH_FAILED;
}

enum bench_step bench_datagram_begin(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    const struct target *target = c->thread->run->target;
    struct error err;
    *ret_want = WANT_NOTHING;
    c->state = BENCH_CONNECTING;
    c->thread->opening++;
    c->dialled_ns = clock_now_ns();
    if (make(c, &err) < 0) {
        outcome_fail_to_open(ret, PHASE_CONNECT, &err, target->options);
        return BENCH_FAILED;
    }
    c->connected_ns = c->up_ns = c->last_activity_ns = clock_now_ns();
    if (!target_is_tls(target))
        return BENCH_DONE;
    c->state = BENCH_HANDSHAKING;
    return bench_datagram_shake_hands(c, ret_want, ret);
}

void bench_datagram_close(struct bench_conn *c)
{
    if (!c->datagrams)
        return;
    if (c->datagrams->socket)
        c->thread->measure.kernel_drops += c->datagrams->socket->kernel_drops;
    ledger_done(&c->datagrams->ledger);
    datagram_free(c->datagrams->socket);
    free(c->datagrams);
    c->datagrams = NULL;
}
