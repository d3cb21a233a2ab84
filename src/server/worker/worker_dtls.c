/* SPDX-License-Identifier: MIT */
#include "worker_dtls.h"

#include <stdlib.h>

#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "worker_dtls_internal.h"

enum {
    BATCHES = 4,               /* of a socket in one turn, so that the worker's others are served */
    RECEIVE_BYTES = 17 * 1024, /* the longest record, and what makes a longer datagram known */
    PAUSE_US = 100 * 1000,     /* after a failure */
};

int worker_dtls_new(struct worker_loop *loop, struct worker_dtls **ret, struct error *err)
{
    struct worker_dtls *w = calloc(1, sizeof *w);
    if (!w)
        return error_sys(err, "serve DTLS");
    w->loop = loop;
    w->resume_us = UINT64_MAX;
    w->buffers = malloc((size_t)DATAGRAM_BATCH * RECEIVE_BYTES);
    if (!w->buffers)
        error_sys(err, "serve DTLS");
    if (!w->buffers || dtls_cookies_new(&w->cookies, err) < 0) {
        worker_dtls_free(w);
        return -1;
    }
    *ret = w;
    return 0;
}

void worker_dtls_free(struct worker_dtls *dtls)
{
    if (!dtls)
        return;
    reject_log_flush(&dtls->refused, UINT64_MAX);
    dtls_set_free(dtls->set);
    dtls_cookies_free(dtls->cookies);
    free(dtls->buffers);
    free(dtls);
}

static void count_dropped(const struct dtls_socket *socket, enum datagram_drop drop)
{
    if (drop != DATAGRAM_KEPT)
        metrics_add(&worker_dtls_counters(socket)->dropped[drop], 1);
}

static void count_kernel_drops(struct dtls_socket *socket)
{
    uint32_t more = socket->datagrams->kernel_drops - socket->drops_counted; /* it wraps around */
    socket->drops_counted = socket->datagrams->kernel_drops;
    if (more > 0)
        metrics_add(&worker_dtls_counters(socket)->dropped[DATAGRAM_DROP_KERNEL], more);
}

/* What cannot be waited for now, for lack of memory, is tried again later. */
static void wait_for(const struct dtls_socket *socket, struct reactor_source *source, unsigned want)
{
    struct worker_dtls *w = socket->owner;
    struct error err;
    if (reactor_want(w->loop->reactor, source, want, &err) == 0)
        return;
    log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
    w->resume_us = worker_loop_now_us(w->loop) + PAUSE_US;
}

static void receive_on_all(struct worker_dtls *w, unsigned want)
{
    for (size_t i = 0; w->set && i < w->set->count; i++)
        wait_for(w->set->sockets[i], &w->set->sockets[i]->source, want);
}

/* It would be ready again at once. */
static void pause_receiving(struct worker_dtls *w, const struct error *err)
{
    w->failure = *err;
    rate_limited_count_add(&w->failures);
    w->resume_us = worker_loop_now_us(w->loop) + PAUSE_US;
    receive_on_all(w, WANT_NOTHING);
}

/* Takes what was received; the answers are sent together. */
static void take_batch(struct dtls_socket *socket, size_t count)
{
    struct worker_dtls *w = socket->owner;
    datagram_outbox_open(&w->outbox, socket->datagrams);
    for (size_t i = 0; i < count; i++)
        count_dropped(socket, worker_dtls_take(socket, &w->items[i]));
    datagram_outbox_close(&w->outbox);
    metrics_add(&worker_dtls_counters(socket)->datagrams_sent, w->outbox.sent);
    metrics_add(&worker_dtls_counters(socket)->dropped[DATAGRAM_DROP_UNSENT], w->outbox.unsent);
}

/* Receives one batch. False: nothing more is waiting. */
static bool serve(struct dtls_socket *socket)
{
    struct worker_dtls *w = socket->owner;
    struct error err ERROR_UNSET;
    const size_t most = datagram_next_batch(socket->last_batch);
    for (size_t i = 0; i < most; i++) {
        w->items[i].data = w->buffers + i * RECEIVE_BYTES;
        w->items[i].size = RECEIVE_BYTES;
    }
    struct datagram_io io = datagram_receive(socket->datagrams, w->items, most, &err);
    if (io.status == DATAGRAM_FAILED)
        pause_receiving(w, &err);
    if (io.status != DATAGRAM_OK)
        return false;
    metrics_add(&worker_dtls_counters(socket)->datagrams_received, io.n);
    socket->last_batch = io.n;
    count_kernel_drops(socket);
    take_batch(socket, io.n);
    return io.n == most;
}

static void socket_ready(struct reactor_source *source)
{
    struct dtls_socket *socket = container_of(source, struct dtls_socket, source);
    for (int i = 0; i < BATCHES && serve(socket); i++)
        ;
}

static struct dtls_socket **find(struct dtls_set *set, int fd)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (set->sockets[i]->fd == fd)
            return &set->sockets[i];
    return NULL;
}

/* The associations go on, and new ones begin as the new set says. */
static void keep(struct dtls_socket *kept, struct dtls_socket **next)
{
    kept->listener = (*next)->listener;
    kept->slot = (*next)->slot;
    dtls_socket_free(*next);
    *next = kept;
}

static void close_associations(struct worker_loop *loop, const struct dtls_socket *socket)
{
    for (struct worker_conn *s = TAILQ_FIRST(&loop->all), *next; s; s = next) {
        next = TAILQ_NEXT(s, in_all);
        if (!s->association || s->association->path.socket != socket->datagrams)
            continue;
        conn_finish(&s->conn, CONN_END_DRAINED);
        worker_conn_run(s);
    }
}

static void log_failures(struct worker_dtls *w, uint64_t now_us)
{
    uint64_t count = rate_limited_count_take(&w->failures, now_us);
    struct log_line line;
    if (count == 0 || !log_begin(&line, LOG_LEVEL_WARNING, "receive_failed"))
        return;
    log_number(&line, "count", count);
    log_text(&line, "reason", w->failure.text);
    log_end(&line);
}

static void let_go(struct worker_dtls *w, struct dtls_set *next)
{
    struct dtls_set *set = w->set;
    for (size_t i = 0; set && i < set->count; i++) {
        struct dtls_socket **same = find(next, set->sockets[i]->fd);
        wait_for(set->sockets[i], &set->sockets[i]->source, WANT_NOTHING);
        if (!same) {
            close_associations(w->loop, set->sockets[i]);
            continue;
        }
        keep(set->sockets[i], same);
        set->sockets[i] = NULL;
    }
    reject_log_flush(&w->refused, UINT64_MAX);
    log_failures(w, UINT64_MAX);
    dtls_set_free(set);
}

void worker_dtls_replace(struct worker_dtls *dtls, struct dtls_set *set)
{
    let_go(dtls, set);
    dtls->set = set;
    for (size_t i = 0; set && i < set->count; i++) {
        set->sockets[i]->owner = dtls;
        set->sockets[i]->source.ready = socket_ready;
    }
    dtls->resume_us = UINT64_MAX;
    receive_on_all(dtls, WANT_READ);
}

void worker_dtls_drain(struct worker_dtls *dtls)
{
    dtls->draining = true;
}

uint64_t worker_dtls_due_us(const struct worker_dtls *dtls)
{
    const uint64_t all_us[] = {association_due_us(&dtls->loop->associations),
                               reject_log_due_us(&dtls->refused),
                               rate_limited_count_due_us(&dtls->failures), dtls->resume_us};
    uint64_t due_us = UINT64_MAX;
    for (size_t i = 0; i < sizeof all_us / sizeof *all_us; i++)
        due_us = all_us[i] < due_us ? all_us[i] : due_us;
    return due_us;
}

void worker_dtls_expire(struct worker_dtls *dtls, uint64_t now_us)
{
    struct association *a;
    while ((a = association_pop(&dtls->loop->associations, now_us))) {
        transport_dtls_retransmit(a->conn->conn.transport);
        worker_conn_run(a->conn);
    }
    reject_log_flush(&dtls->refused, now_us);
    log_failures(dtls, now_us);
    if (now_us >= dtls->resume_us) {
        dtls->resume_us = UINT64_MAX;
        receive_on_all(dtls, WANT_READ);
    }
}
