/* SPDX-License-Identifier: MIT */
#include "size_try.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "path_wait.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/payload.h"
#include "tlsecho/net/dial.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/tls/transport_tls.h"

enum {
    CONNECT_US = 10 * 1000 * 1000, /* where --connect-timeout is 0 */
    TICK_US = 20 * 1000,
    LINE_BYTES = 64,
    DIALS_MAX = 4,
    REPEATS = 3,                /* retransmissions of what does not come through */
    SLOW_US = 15 * 1000 * 1000, /* then full segments have passed, and that is what counts */
};

enum { CONNECTING, HANDSHAKING, TALKING };

static void end(struct size_try *t, enum size_fate fate)
{
    struct error ignored;
    t->fate = fate;
    t->took_us = clock_now_us() - t->begun_us;
    if (t->fd >= 0) {
        tcp_stats_read(t->fd, &t->stats);
        if (fate == SIZE_PASSED && t->transport)
            transport_shutdown(t->transport, &ignored);
        else
            socket_reset_on_close(t->fd); /* a stalled one would linger */
    }
    exchange_done(&t->exchange);
    if (t->transport)
        transport_free(t->transport);
    else if (t->fd >= 0)
        close(t->fd);
    t->transport = NULL;
    t->fd = -1;
}

static void dial_again(struct size_server *server, struct size_try *t)
{
    struct dial_origin origin = server->target.origin;
    origin.segment_bytes = t->segment_bytes;
    t->dials++;
    if (dial_begin(&server->peer->about->address, &origin, &t->fd, &t->error) == 0)
        return;
    t->fd = -1;
    end(t, SIZE_UNCONNECTED);
}

static void begin(struct size_server *server, struct size_try *t)
{
    t->begun_us = t->moved_us = clock_now_us();
    t->state = CONNECTING;
    t->want = WANT_WRITE;
    t->fate = SIZE_PENDING;
    t->fd = -1;
    dial_again(server, t);
}

/* --- one step of each state --- */

static void finish_connecting(struct size_server *server, struct size_try *t)
{
    struct transport_tls_options tls = {.ctx = server->target.context,
                                        .scratch = server->target.scratch,
                                        .server_name = target_server_name(&server->target)};
    int fd = t->fd;
    if (dial_finish(fd, &server->peer->about->address, &t->error) < 0) {
        end(t, SIZE_UNCONNECTED);
        return;
    }
    if (tcp_stats_read(fd, &t->stats) && path_peer_wants_again(server->peer, &t->stats) &&
        t->dials < DIALS_MAX) {
        socket_reset_on_close(fd); /* so that the kernel does not keep its round trip */
        close(fd);
        dial_again(server, t);
        return;
    }
    if (target_send_proxy_header(&server->target, fd, &t->error) < 0) {
        end(t, SIZE_UNCONNECTED);
        return;
    }
    t->fd = -1; /* the transport's, on failure too */
    t->state = HANDSHAKING;
    t->in_handshake = target_is_tls(&server->target);
    if ((target_is_tls(&server->target) ? transport_tls_new(fd, &tls, &t->transport, &t->error)
                                        : transport_tcp_new(fd, &t->transport, &t->error)) < 0)
        end(t, SIZE_FAILED);
    else
        t->fd = fd;
}

/* Some servers echo nothing but whole lines of text. */
static void fill_with_lines(unsigned char *data, size_t n, uint64_t seed)
{
    assert(n > 0 && n <= EXCHANGE_BUFFER_BYTES);
    payload_fill(data, n, seed, 0);
    for (size_t i = 0; i < n; i++)
        data[i] = i % LINE_BYTES == LINE_BYTES - 1 ? '\n' : (unsigned char)('a' + data[i] % 26);
    data[n - 1] = '\n';
}

static void start_talking(const struct size_server *server, struct size_try *t)
{
    if (server->service == SIZE_HANDSHAKE) {
        end(t, SIZE_PASSED);
        return;
    }
    t->state = TALKING;
    enum expect_kind kind = server->service == SIZE_ECHO ? EXPECT_ECHO : EXPECT_NONE;
    if (exchange_init(&t->exchange, t->transport, kind, &t->error) < 0) {
        end(t, SIZE_FAILED);
        return;
    }
    if (server->service == SIZE_CHARGEN)
        return;
    fill_with_lines(t->exchange.out.data, t->message_bytes, t->begun_us);
    t->exchange.out.end = t->message_bytes;
}

static void shake_hands(const struct size_server *server, struct size_try *t)
{
    struct io io = {.status = IO_OK};
    assert(t->transport);
    if (target_is_tls(&server->target))
        io = transport_handshake(t->transport, &t->error);
    switch (io.status) {
    case IO_OK:
        start_talking(server, t);
        return;
    case IO_WANT_READ:
    case IO_WANT_WRITE:
        t->want = io.status == IO_WANT_READ ? WANT_READ : WANT_WRITE;
        return;
    case IO_RESET:
        end(t, SIZE_RESET);
        return;
    case IO_EOF:
    case IO_CUT:
        error_set(&t->error, ERROR_CLOSED, "the server closed the connection during the handshake");
        end(t, SIZE_FAILED);
        return;
    case IO_FAILED:
        end(t, SIZE_FAILED);
        return;
    }
}

static bool is_complete(const struct size_server *server, const struct size_try *t)
{
    const struct exchange *x = &t->exchange;
    switch (server->service) {
    case SIZE_ECHO:
    case SIZE_CHARGEN:
        return x->received_bytes >= t->message_bytes;
    case SIZE_DISCARD:
        return x->sent_bytes >= t->message_bytes && !x->flushing &&
               socket_unacknowledged_bytes(t->fd) == 0;
    case SIZE_OTHER:
    case SIZE_HANDSHAKE:
        break;
    }
    return true;
}

static void judge_end(struct size_try *t)
{
    struct outcome outcome;
    exchange_judge(&t->exchange, true, &outcome);
    t->error = outcome.error;
    t->result = outcome.result;
    end(t, outcome.result == RESULT_RESET ? SIZE_RESET : SIZE_FAILED);
}

static void talk(const struct size_server *server, struct size_try *t)
{
    struct exchange *x = &t->exchange;
    bool received;
    do {
        t->want = exchange_send(x) | exchange_receive(x);
        received = buf_waiting(&x->in) > 0;
        buf_take(&x->in, buf_waiting(&x->in));
    } while (received && !is_complete(server, t));
    bool wrong = x->state == EXCHANGE_WRONG || x->state == EXCHANGE_BROKEN;
    if (!wrong && is_complete(server, t))
        end(t, SIZE_PASSED);
    else if (x->state != EXCHANGE_OPEN || x->send_failed)
        judge_end(t);
}

/* --- what moves --- */

/* Bytes that the peer has acknowledged or sent. */
static void examine(struct size_try *t, uint64_t now_us, uint64_t stall_us)
{
    if (!tcp_stats_read(t->fd, &t->stats))
        return;
    uint64_t moved_bytes = t->stats.acknowledged_bytes + t->stats.received_bytes;
    if (moved_bytes != t->moved_bytes) {
        t->moved_bytes = moved_bytes;
        t->moved_us = now_us;
    }
    bool there = t->stats.unacknowledged_bytes > 0;
    t->in_handshake = t->in_handshake && t->state == HANDSHAKING;
    if (now_us < t->moved_us + stall_us && now_us > t->begun_us + SLOW_US) {
        t->slow = true;
        end(t, SIZE_PASSED);
    } else if (now_us >= t->moved_us + stall_us && (!there || t->stats.repeats >= REPEATS)) {
        end(t, there ? SIZE_STALLED_THERE : SIZE_STALLED_BACK);
    }
}

static uint64_t connect_due_us(const struct path *p, const struct size_try *t)
{
    uint64_t limit_ms = p->options.connect_timeout_ms;
    return t->begun_us + (limit_ms ? limit_ms * 1000 : CONNECT_US);
}

static void step(struct path *p, struct size_server *server, struct size_try *t, uint64_t stall_us)
{
    uint64_t now_us = clock_now_us();
    if (t->state == CONNECTING && path_wait_is_ready(t->fd, t->want)) {
        finish_connecting(server, t);
        t->moved_us = clock_now_us();
    } else if (t->state == CONNECTING && now_us >= connect_due_us(p, t)) {
        dial_expire(t->fd, &server->peer->about->address, &t->error);
        end(t, SIZE_UNCONNECTED);
    }
    if (t->fate == SIZE_PENDING && t->state == HANDSHAKING)
        shake_hands(server, t);
    if (t->fate == SIZE_PENDING && t->state == TALKING)
        talk(server, t);
    if (t->fate == SIZE_PENDING && t->state != CONNECTING)
        examine(t, clock_now_us(), stall_us);
}

/* False: none is pending. */
static bool prepare_wait(const struct size_try *tries, size_t count, struct session_wait *ret)
{
    uint64_t due_us = clock_now_us() + TICK_US;
    path_wait_init(ret);
    for (size_t i = 0; i < count; i++)
        if (tries[i].fate == SIZE_PENDING)
            path_wait_add(ret, tries[i].fd, tries[i].want, due_us);
    return ret->other_count > 0;
}

static int wait_for_all(const struct size_round *round, struct size_try *tries, size_t count,
                        struct error *err)
{
    for (;;) {
        struct session_wait wait;
        for (size_t i = 0; i < count; i++)
            if (tries[i].fate == SIZE_PENDING)
                step(round->path, round->server, &tries[i], round->stall_us);
        if (!prepare_wait(tries, count, &wait))
            return 0;
        if (path_wait(&wait, err) < 0)
            return -1;
    }
}

int size_tries_run(const struct size_round *round, struct size_try *tries, size_t count,
                   struct error *err)
{
    assert(count <= SIZE_TRIES_MAX);
    for (size_t i = 0; i < count; i++)
        begin(round->server, &tries[i]);
    int result = wait_for_all(round, tries, count, err);
    for (size_t i = 0; i < count; i++)
        if (tries[i].fate == SIZE_PENDING)
            end(&tries[i], SIZE_PENDING);
    return result;
}
