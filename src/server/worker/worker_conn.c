/* SPDX-License-Identifier: MIT */
#include "worker_conn.h"

#include <stdlib.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "conn_log.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/tls/transport_tls.h"

enum { WAVE = 256 }; /* connections: from here on freed memory is returned */

static void set_runnable(struct worker_conn *s, bool runnable)
{
    if (s->runnable == runnable)
        return;
    s->runnable = runnable;
    if (runnable)
        TAILQ_INSERT_TAIL(&s->loop->runnable, s, in_runnable);
    else
        TAILQ_REMOVE(&s->loop->runnable, s, in_runnable);
}

/* By the clock, not by the turn's time, which is before the handshake's arithmetic. */
static void count_handshake(struct worker_conn *s, enum conn_end end)
{
    struct peer peer;
    s->counted_handshake = true;
    transport_peer(s->conn.transport, &peer);
    metrics_count_handshake(s->loop->metrics, &peer, end, clock_now_us() - s->start_us);
}

/* Adds the bytes since the last call. */
static void count(struct worker_conn *s)
{
    struct metrics_listener *m = &s->loop->metrics->listeners[s->origin.slot];
    metrics_add(&m->received_bytes, s->conn.received_bytes - s->counted_received);
    metrics_add(&m->sent_bytes, s->conn.sent_bytes - s->counted_sent);
    s->counted_received = s->conn.received_bytes;
    s->counted_sent = s->conn.sent_bytes;
    if (s->conn.established && !s->counted_handshake)
        count_handshake(s, CONN_END_NONE);
}

/* After a wave of connections: the C library keeps freed memory that lies below memory in use. */
static void trim_memory(struct worker_loop *loop, unsigned load)
{
    if (loop->peak_load < WAVE || load > loop->peak_load / 4)
        return;
    loop->peak_load = load;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void worker_conn_own_address(const struct worker_conn *s, struct address *ret)
{
    struct error ignored;
    *ret = (struct address){.length = 0};
    if (s->association)
        *ret = s->association->path.own;
    else if (socket_addresses(s->source.fd, NULL, ret, &ignored) == 0)
        address_unmap(ret);
}

static void log_end_of(const struct worker_conn *s, uint64_t duration_us)
{
    struct address own;
    worker_conn_own_address(s, &own);
    conn_log(&s->conn, &s->origin, &own, duration_us);
}

static void end(struct worker_conn *s)
{
    struct worker_loop *loop = s->loop;
    set_runnable(s, false);
    deadline_clear(&s->timeout);
    deadline_clear(&s->lifetime);
    reactor_forget(&s->source);
    if (!s->counted_handshake && s->conn.end != CONN_END_PROBE)
        count_handshake(s, s->conn.end);
    uint64_t duration_us = worker_loop_now_us(loop) - s->start_us;
    metrics_count_end(loop->metrics, s->origin.slot, s->origin.listener->config->listen.scheme,
                      s->conn.end, duration_us);
    if (s->generation->snapshot->config->log.connections)
        log_end_of(s, duration_us);
    if (!s->conn.established)
        loop->log_flush_us = conn_log_flush(worker_loop_now_us(loop));
    conn_done(&s->conn);
    if (s->association)
        worker_association_drop(s);
    proxied_free(s->origin.proxied);
    free(s->syn);
    generation_leave(&loop->newest, s->generation);
    if (loop->next_listed == s)
        loop->next_listed = TAILQ_NEXT(s, in_all);
    TAILQ_REMOVE(&loop->all, s, in_all);
    worker_handshake_over(s);
    admission_over(&s->origin.pass);
    free(s);
    trim_memory(loop, atomic_fetch_sub(&loop->load, 1) - 1);
}

static bool is_relative(enum conn_timeout kind)
{
    return kind == CONN_TIMEOUT_IDLE || kind == CONN_TIMEOUT_WRITE || kind == CONN_TIMEOUT_QUIET;
}

/* A relative time-out starts again after progress; an absolute one continues. */
static void arm(struct worker_conn *s)
{
    enum conn_timeout kind = s->conn.timeout;
    if (kind == s->armed && !(is_relative(kind) && s->conn.progressed) && !s->conn.timeout_anew)
        return;
    s->armed = kind;
    s->unacknowledged_bytes =
        kind == CONN_TIMEOUT_WRITE ? socket_unacknowledged_bytes(s->source.fd) : SIZE_MAX;
    deadline_set(&s->generation->timeouts[kind], &s->timeout, worker_loop_now_us(s->loop));
}

/*
 * Whether the peer has acknowledged bytes since the time-out was set. The kernel buffers much for a
 * slow peer and becomes writable only when a third of its buffer is free, which may take longer
 * than any time-out. Only a write time-out counts at its start, since that takes a system call:
 * with the others, bytes in flight get one more time-out.
 */
static bool peer_acknowledged(struct worker_conn *s)
{
    size_t before = s->unacknowledged_bytes, now = socket_unacknowledged_bytes(s->source.fd);
    s->unacknowledged_bytes = now;
    return now < before && (now > 0 || s->armed == CONN_TIMEOUT_WRITE);
}

bool worker_conn_run(struct worker_conn *s)
{
    conn_run(&s->conn);
    count(s);
    if (s->conn.progressed)
        s->last_activity_us = worker_loop_now_us(s->loop);
    if (s->conn.state == CONN_OVER) {
        end(s);
        return false;
    }
    if (!s->conn.established || s->in_handshake)
        worker_handshake_follow(s);
    arm(s);
    set_runnable(s, s->conn.runnable);
    if (s->association) {
        worker_association_follow(s);
        return true;
    }
    struct error err ERROR_UNSET;
    if (!s->conn.runnable && reactor_want(s->loop->reactor, &s->source, s->conn.want, &err) < 0) {
        log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
        conn_abort(&s->conn, CONN_END_FAILED);
        end(s);
        return false;
    }
    return true;
}

static void ready(struct reactor_source *source)
{
    worker_conn_run(container_of(source, struct worker_conn, source));
}

static int make_transport(struct worker_loop *loop, const struct handoff *origin,
                          struct transport **ret, struct error *err)
{
    struct transport_tls_options tls = {.ctx = origin->listener->tls,
                                        .scratch = loop->scratch,
                                        .alpn = origin->listener->service->alpn};
    if (tls.ctx)
        return transport_tls_new(origin->fd, &tls, ret, err);
    return transport_tcp_new(origin->fd, ret, err);
}

static void refuse(struct worker_loop *loop, struct worker_conn *s, const struct handoff *origin,
                   const char *reason)
{
    struct admission_pass pass = origin->pass;
    admission_revoke(&pass, ADMISSION_MEMORY);
    metrics_add(&loop->metrics->listeners[origin->slot].ended[CONN_END_FAILED], 1);
    conn_log_failed(origin, reason);
    loop->log_flush_us = conn_log_flush(worker_loop_now_us(loop));
    if (s && s->generation)
        generation_leave(&loop->newest, s->generation);
    free(s);
    atomic_fetch_sub(&loop->load, 1);
}

static void describe(const struct conn *c, struct conn_info *ret)
{
    worker_info_gather(container_of(c, struct worker_conn, conn), ret);
}

/* Without memory it is refused. Takes over the reference to the snapshot. */
static struct worker_conn *make(struct worker_loop *loop, const struct handoff *origin)
{
    struct worker_conn *s = calloc(1, sizeof *s);
    metrics_add(&loop->metrics->listeners[origin->slot].accepted, 1);
    if (s)
        s->generation = generation_enter(&loop->newest, origin->listener->snapshot);
    if (s && s->generation)
        return s;
    config_snapshot_free(origin->listener->snapshot);
    refuse(loop, s, origin, "no memory for a connection");
    return NULL;
}

static void start(struct worker_loop *loop, struct worker_conn *s, const struct handoff *origin,
                  struct transport *transport)
{
    s->loop = loop;
    s->origin = *origin;
    s->source = (struct reactor_source){.fd = origin->fd, .ready = ready};
    s->start_us = s->last_activity_us = worker_loop_now_us(loop);
    s->armed = CONN_TIMEOUTS;
    s->counted_handshake = !origin->listener->tls; /* plain: no handshake */
    conn_init(&s->conn, transport, origin->listener->service, &s->generation->pool, describe);
    TAILQ_INSERT_TAIL(&loop->all, s, in_all);
    unsigned load = atomic_load(&loop->load);
    loop->peak_load = load > loop->peak_load ? load : loop->peak_load;
    deadline_set(&s->generation->lifetimes, &s->lifetime, s->start_us);
}

void worker_conn_start(struct worker_loop *loop, const struct handoff *origin)
{
    struct error err;
    struct transport *transport;
    struct worker_conn *s = make(loop, origin);
    if (!s) {
        close(origin->fd);
        return;
    }
    if (make_transport(loop, origin, &transport, &err) < 0) {
        refuse(loop, s, origin, err.text);
        return;
    }
    start(loop, s, origin, transport);
    if (origin->listener->service->wants_info)
        worker_info_take_syn(s);
    worker_conn_expect_proxy(s);
    set_runnable(s, true);
}

void worker_conn_start_association(struct worker_loop *loop, const struct handoff *origin,
                                   struct association *association, struct transport *transport)
{
    atomic_fetch_add(&loop->load, 1);
    struct worker_conn *s = make(loop, origin);
    if (!s) {
        transport_free(transport);
        free(association);
        return;
    }
    s->association = association;
    association->conn = s;
    association_insert(&loop->associations, association);
    start(loop, s, origin, transport);
    worker_conn_run(s);
}

void worker_conn_expire(struct worker_conn *s)
{
    if (is_relative(s->armed) && peer_acknowledged(s)) {
        deadline_set(&s->generation->timeouts[s->armed], &s->timeout, worker_loop_now_us(s->loop));
        return;
    }
    conn_expire(&s->conn);
    worker_conn_run(s);
}

void worker_conn_drain(struct worker_conn *s)
{
    conn_drain(&s->conn);
    arm(s);
}

void worker_conn_abort(struct worker_conn *s, enum conn_end reason)
{
    conn_abort(&s->conn, reason);
    end(s);
}
