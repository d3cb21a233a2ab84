/* SPDX-License-Identifier: MIT */
#include "idle_conn.h"

#include <string.h>

#include "path_lookup.h"
#include "path_wait.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/tcp_stats.h"

/* Some servers echo nothing but whole lines. */
static const char LINE[] = "is this still an echo\n";

enum {
    LINE_BYTES = sizeof LINE - 1,
    REPEATS = 3,          /* after which a line that is not acknowledged is lost */
    GRACE_US = 50 * 1000, /* beside two round trips, for the ACK of the last of them */
    TICK_US = 50 * 1000,
    KEEPALIVE_PROBES = 3,
    OTHER_BYTES = 16 * 1024, /* so much that is no echo comes from no echo */
    READS_MAX = 64,          /* at once, of a server that sends without end */
};

static void end(struct idle_conn *c, enum idle_fate fate)
{
    uint64_t now_us = clock_now_us();
    c->told = c->fate == IDLE_SILENT;
    c->silence_us = (c->told ? now_us : c->probed_us) - c->last_us;
    c->took_us = c->told ? 0 : now_us - c->probed_us;
    c->fate = fate;
}

bool idle_conn_is_decided(const struct idle_conn *c)
{
    return c->fate > IDLE_PROBED;
}

bool idle_conn_is_gone(const struct idle_conn *c)
{
    return c->fate > IDLE_ALIVE && c->fate != IDLE_FINISHED;
}

bool idle_conn_has_fin(const struct idle_conn *c)
{
    return c->fate == IDLE_FINISHED && !c->failed && c->session.target &&
           !c->session.target->context;
}

const char *idle_conn_fate_text(const struct idle_conn *c)
{
    static const char *const texts[] = {
        [IDLE_SILENT] = "silent",
        [IDLE_PROBED] = "probed",
        [IDLE_ALIVE] = "alive",
        [IDLE_LOST] = "silence: what is sent is never acknowledged",
        [IDLE_MUTE] = "silence: what is sent is acknowledged, but not echoed",
        [IDLE_RESET] = "RST",
        [IDLE_CUT] = "FIN without close_notify",
        [IDLE_FINISHED] = "an end by the server",
    };
    if (c->fate == IDLE_MUTE && c->received)
        return "it sends something else than an echo";
    return idle_conn_has_fin(c) ? "FIN" : texts[c->fate];
}

enum result idle_conn_result(const struct idle_conn *c)
{
    switch (c->fate) {
    case IDLE_SILENT:
    case IDLE_PROBED:
    case IDLE_ALIVE:
        break;
    case IDLE_LOST:
        return RESULT_TIMEOUT;
    case IDLE_MUTE:
        return c->received ? RESULT_CORRUPT : RESULT_TIMEOUT;
    case IDLE_RESET:
        return RESULT_RESET;
    case IDLE_CUT:
    case IDLE_FINISHED:
        return RESULT_TRUNCATED;
    }
    return RESULT_OK;
}

static void take_end(struct idle_conn *c, enum io_status status)
{
    if (status == IO_RESET)
        end(c, IDLE_RESET);
    else
        end(c, status == IO_CUT ? IDLE_CUT : IDLE_FINISHED);
}

/* What comes into the silence ends it. */
static void take(struct idle_conn *c, const char *data, size_t n)
{
    c->last_us = c->fate == IDLE_SILENT ? clock_now_us() : c->last_us;
    if (c->fate != IDLE_PROBED)
        return;
    for (size_t i = 0; i < n; i++)
        c->matched = data[i] == LINE[c->matched] ? c->matched + 1 : data[i] == LINE[0];
    c->received += n;
    if (c->matched >= LINE_BYTES)
        end(c, IDLE_ALIVE);
    else if (c->received > OTHER_BYTES)
        end(c, IDLE_MUTE);
}

static void receive(struct idle_conn *c)
{
    char data[LINE_BYTES];
    for (int i = 0; i < READS_MAX && !idle_conn_is_decided(c); i++) {
        /* No more than what is missing, so that nothing is matched beyond the line's end. */
        struct io io =
            transport_read(c->session.transport, data, LINE_BYTES - c->matched, &c->error);
        switch (io.status) {
        case IO_OK:
            take(c, data, io.n);
            break;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            c->want |= io.status == IO_WANT_READ ? WANT_READ : WANT_WRITE;
            return;
        case IO_EOF:
        case IO_CUT:
        case IO_RESET:
        case IO_FAILED:
            c->failed = io.status == IO_FAILED;
            take_end(c, io.status);
            return;
        }
    }
    c->want |= WANT_READ;
}

static void send_line(struct idle_conn *c)
{
    struct error err;
    struct io io =
        transport_write(c->session.transport, LINE + c->sent, LINE_BYTES - c->sent, &err);
    c->sent += io.n;
    if (io.status == IO_RESET || io.status == IO_FAILED)
        take_end(c, IO_RESET);
    else if (io.status == IO_WANT_WRITE)
        c->want |= WANT_WRITE;
}

static void examine_silence(struct idle_conn *c)
{
    struct tcp_stats stats;
    uint64_t waited_us = clock_now_us() - c->probed_us;
    uint64_t patience_us = c->patience_us ? c->patience_us : IDLE_ECHO_US;
    bool known = tcp_stats_read(c->session.transport->fd, &stats);
    if (known && stats.unacknowledged_bytes && stats.repeats >= REPEATS)
        end(c, IDLE_LOST);
    else if (known && stats.unacknowledged_bytes)
        return;
    else if (waited_us > patience_us + (known ? 2 * stats.rtt_us + GRACE_US : 0))
        end(c, IDLE_MUTE);
}

void idle_conn_step(struct idle_conn *c)
{
    if (idle_conn_is_decided(c))
        return;
    c->want = WANT_NOTHING;
    if (c->fate == IDLE_PROBED && c->sent < LINE_BYTES)
        send_line(c);
    receive(c);
    if (c->fate == IDLE_PROBED)
        examine_silence(c);
    else if (c->fate == IDLE_SILENT)
        c->seen_us = clock_now_us();
}

void idle_conn_probe(struct idle_conn *c)
{
    c->fate = IDLE_PROBED;
    c->probed_us = clock_now_us();
    c->sent = c->matched = c->received = 0;
    idle_conn_step(c);
}

uint64_t idle_conn_due_us(const struct idle_conn *c)
{
    switch (c->fate) {
    case IDLE_SILENT:
        return c->last_us + c->planned_us;
    case IDLE_PROBED:
        return clock_now_us() + TICK_US;
    case IDLE_ALIVE:
    case IDLE_LOST:
    case IDLE_MUTE:
    case IDLE_RESET:
    case IDLE_CUT:
    case IDLE_FINISHED:
        return UINT64_MAX;
    }
    return UINT64_MAX; /* not reached: the switch is complete */
}

int idle_conn_keep_alive(struct idle_conn *c, unsigned idle_s, struct error *err)
{
    struct socket_keepalive keepalive = {
        .idle_s = idle_s, .interval_s = idle_s, .probes = KEEPALIVE_PROBES};
    c->keepalive_s = idle_s;
    return socket_set_keepalive(c->session.transport->fd, &keepalive, err);
}

static int await_echo(struct idle_conn *c, uint64_t deadline_us, struct error *err)
{
    while (!idle_conn_is_decided(c)) {
        struct session_wait wait;
        path_wait_init(&wait);
        wait.due_us = deadline_us;
        path_wait_add(&wait, c->session.transport->fd, c->want, idle_conn_due_us(c));
        if (path_wait(&wait, err) < 0)
            return -1;
        idle_conn_step(c);
        if (clock_now_us() >= deadline_us && !idle_conn_is_decided(c))
            end(c, IDLE_MUTE);
    }
    return 0;
}

void idle_conn_rest(struct idle_conn *c)
{
    c->fate = IDLE_SILENT;
    c->matched = 0;
    c->last_us = c->seen_us = clock_now_us();
    c->want = WANT_READ;
}

int idle_conn_open(struct idle_conn *c, struct path *p, struct path_peer *peer,
                   uint64_t deadline_us, bool *ret_echoes, struct error *err)
{
    *c = (struct idle_conn){.fate = IDLE_SILENT};
    session_init(&c->session, &peer->target);
    c->session.deadline_us = deadline_us;
    if (path_peer_open_session(p, &c->session, err) < 0)
        return -1;
    idle_conn_probe(c);
    p->phase = PHASE_ECHO;
    if (await_echo(c, deadline_us, err) < 0)
        return -1;
    *ret_echoes = c->fate == IDLE_ALIVE;
    if (c->failed)
        *err = c->error;
    if (!*ret_echoes)
        return c->failed ? -1 : 0;
    idle_conn_rest(c);
    return 0;
}

/* Whether a try that echoed nothing may be an accident. */
static bool is_chance(const struct idle_conn *c, int result, const struct error *err)
{
    if (result < 0)
        return err->kind != ERROR_INTERRUPTED && !path_lookup_is_refusal(err);
    return c->fate != IDLE_MUTE || (!c->received && c->took_us < IDLE_ECHO_US);
}

int idle_conn_open_again(struct idle_conn *c, struct path *p, struct path_peer *peer,
                         uint64_t deadline_us, bool *ret_echoes, struct error *err)
{
    struct error first = {.alert = -1}, latest = first;
    bool failed = false;
    enum phase phase = p->phase; /* of the first error */
    for (unsigned tries = 1;; tries++) {
        uint64_t now_us = clock_now_us();
        uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
        uint64_t due_us = now_us + (tries < IDLE_TRIES ? left_us / 2 : left_us);
        int result = idle_conn_open(c, p, peer, due_us, ret_echoes, &latest);
        if (result < 0 && !failed) {
            failed = true;
            first = latest;
            phase = p->phase;
        }
        if (*ret_echoes) {
            p->unsteady = p->unsteady || tries > 1;
            return 0;
        }
        if (tries < IDLE_TRIES && is_chance(c, result, &latest)) {
            idle_conn_close(c);
            continue;
        }
        if (result < 0) {
            bool interrupted = latest.kind == ERROR_INTERRUPTED;
            *err = interrupted ? latest : first;
            p->phase = interrupted ? p->phase : phase;
        }
        return result;
    }
}

void idle_conn_close(struct idle_conn *c)
{
    session_close(&c->session);
}
