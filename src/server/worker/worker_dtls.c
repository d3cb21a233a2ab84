/* SPDX-License-Identifier: MIT */
#include "worker_dtls.h"

#include <stdlib.h>
#include <string.h>

#include "conn_log.h"
#include "dtls_set_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/datagram_rules.h"
#include "tlsecho/server/reject_log.h"
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/dtls_session.h"
#include "worker_conn.h"

enum {
    BATCHES = 4,               /* of a socket in one turn, so that the worker's others are served */
    RECEIVE_BYTES = 17 * 1024, /* the longest record, and what makes a longer datagram known */
    PAUSE_US = 100 * 1000,     /* after a failure */
};

struct worker_dtls {
    struct worker_loop *loop;
    struct dtls_cookies *cookies;
    struct dtls_set *set; /* NULL = none */
    bool draining;
    struct reject_log refused;          /* not logged yet, as are the next two */
    struct rate_limited_count failures; /* of receiving, with the last error */
    struct error failure;
    uint64_t resume_us;            /* nothing is received until then; UINT64_MAX = it is */
    struct datagram_outbox outbox; /* the answers to the batch that is served */
    unsigned char *buffers;
    struct datagram items[DATAGRAM_BATCH];
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

static struct metrics_listener *counters(const struct dtls_socket *socket)
{
    return &socket->owner->loop->metrics->listeners[socket->slot];
}

static void count_dropped(const struct dtls_socket *socket, enum datagram_drop drop)
{
    if (drop != DATAGRAM_KEPT)
        metrics_add(&counters(socket)->dropped[drop], 1);
}

static void count_kernel_drops(struct dtls_socket *socket)
{
    uint32_t more = socket->datagrams->kernel_drops - socket->drops_counted; /* it wraps around */
    socket->drops_counted = socket->datagrams->kernel_drops;
    if (more > 0)
        metrics_add(&counters(socket)->dropped[DATAGRAM_DROP_KERNEL], more);
}

/* Whether the limits allow one more; what is over before it began leaves the pass empty. */
static bool admit(struct dtls_socket *socket, const struct datagram *d, struct admission_pass *pass)
{
    struct worker_dtls *w = socket->owner;
    struct admission *admission = worker_group_admission(w->loop->group);
    enum admission_refusal refusal = admission_accept(admission, worker_loop_now_us(w->loop), pass);
    if (refusal == ADMISSION_GRANTED)
        refusal = admission_source(admission, socket->listener->config, &d->peer, pass);
    if (refusal == ADMISSION_GRANTED)
        return true;
    admission_over(pass);
    reject_log_add(&w->refused, refusal, admission_refusal_reason(refusal),
                   socket->listener->config->name.value, &d->peer);
    return false;
}

/* The session and its transport. ERROR_TLS: the ClientHello is not valid. */
static int open_association(const struct dtls_socket *socket, const struct datagram *d,
                            struct association *a, struct transport **ret, struct error *err)
{
    const struct dtls_session_options options = {
        .ctx = socket->listener->tls, .hello = d->data, .hello_length = d->length};
    if (dtls_session_new(&options, &a->session, err) < 0)
        return -1;
    return transport_dtls_new(a->session, &a->path, ret, err);
}

static struct association *make_association(const struct dtls_socket *socket,
                                            const struct datagram *d,
                                            const struct association_key *key)
{
    struct association *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->key = *key;
    a->path = (struct transport_dtls_path){.socket = socket->datagrams,
                                           .outbox = &socket->owner->outbox,
                                           .peer = d->peer,
                                           .own = d->own};
    dtls_record_look(d->data, d->length, a->random);
    return a;
}

/* The client has returned its cookie. */
static enum datagram_drop begin(struct dtls_socket *socket, const struct datagram *d,
                                const struct association_key *key)
{
    struct worker_loop *loop = socket->owner->loop;
    struct error err;
    struct transport *transport;
    struct handoff origin = {.listener = socket->listener,
                             .id = admission_number(worker_group_admission(loop->group)),
                             .fd = -1,
                             .slot = socket->slot,
                             .source = d->peer};
    if (!admit(socket, d, &origin.pass))
        return DATAGRAM_DROP_LIMIT;
    struct association *a = make_association(socket, d, key);
    if (!a || open_association(socket, d, a, &transport, &err) < 0) {
        free(a);
        admission_over(&origin.pass);
        return DATAGRAM_DROP_INVALID;
    }
    address_set_port(&a->path.own, socket->port);
    config_snapshot_ref(socket->listener->snapshot);
    worker_conn_start_association(loop, &origin, a, transport);
    return DATAGRAM_KEPT;
}

static enum datagram_drop send_cookie(struct dtls_socket *socket, const struct datagram *d,
                                      unsigned char answer[DTLS_COOKIE_ANSWER_BYTES])
{
    const struct datagram item = {
        .peer = d->peer, .own = d->own, .data = answer, .length = DTLS_COOKIE_ANSWER_BYTES};
    bool put = datagram_outbox_put(&socket->owner->outbox, socket->datagrams, &item);
    return put ? DATAGRAM_KEPT : DATAGRAM_DROP_UNSENT;
}

/* A ClientHello that no association has begun with. `before`: of the same client; NULL = none. */
static enum datagram_drop meet(struct dtls_socket *socket, const struct datagram *d,
                               const struct association_key *key, const struct association *before)
{
    struct worker_dtls *w = socket->owner;
    uint64_t now_us = worker_loop_now_us(w->loop);
    unsigned char answer[DTLS_COOKIE_ANSWER_BYTES];
    struct address own = d->own;
    address_set_port(&own, socket->port);
    const struct dtls_first_flight flight = {
        .peer = &d->peer,
        .own = &own,
        .data = d->data,
        .length = d->length,
        .max_bytes = socket->listener->snapshot->config->limits.client_hello_bytes,
    };
    enum datagram_drop drop = admission_datagram(worker_group_admission(w->loop->group),
                                                 socket->listener->config, &d->peer, now_us);
    if (drop != DATAGRAM_KEPT || w->draining)
        return drop != DATAGRAM_KEPT ? drop : DATAGRAM_DROP_LIMIT;
    switch (dtls_cookies_check(w->cookies, &flight, now_us, answer)) {
    case DTLS_FIRST_ASK:
        return send_cookie(socket, d, answer);
    case DTLS_FIRST_PROVEN:
        break;
    case DTLS_FIRST_OTHER:
    case DTLS_FIRST_TOO_LONG:
        return DATAGRAM_DROP_INVALID;
    }
    if (before)
        worker_conn_abort(before->conn, CONN_END_REPLACED);
    return begin(socket, d, key);
}

/* Whether it was valid there. A new association replaces the one before once it is established:
 * RFC 6347 §4.2.8. */
static bool deliver(struct association *a, struct association *before, const struct datagram *d)
{
    dtls_session_feed(a->session, d->data, d->length);
    if (!worker_conn_run(a->conn))
        return true;
    if (a->established && before)
        worker_conn_abort(before->conn, CONN_END_REPLACED);
    return dtls_session_accepted(a->session);
}

static enum datagram_drop deliver_encrypted(const struct association_pair *to,
                                            const struct datagram *d)
{
    if (!to->established && !to->unfinished)
        return DATAGRAM_DROP_UNKNOWN;
    if (to->established && deliver(to->established, NULL, d))
        return DATAGRAM_KEPT;
    if (to->unfinished && deliver(to->unfinished, to->established, d))
        return DATAGRAM_KEPT;
    return DATAGRAM_DROP_INVALID;
}

static enum datagram_drop deliver_plain(const struct association_pair *to, const struct datagram *d)
{
    struct association *a = to->unfinished ? to->unfinished : to->established;
    if (!a)
        return DATAGRAM_DROP_UNKNOWN;
    return deliver(a, a == to->unfinished ? to->established : NULL, d) ? DATAGRAM_KEPT
                                                                       : DATAGRAM_DROP_INVALID;
}

static bool began_with(const struct association *a, const unsigned char random[DTLS_RANDOM_BYTES])
{
    return a && memcmp(a->random, random, DTLS_RANDOM_BYTES) == 0;
}

static enum datagram_drop take(struct dtls_socket *socket, const struct datagram *d)
{
    const struct dtls_set *set = socket->owner->set;
    unsigned char random[DTLS_RANDOM_BYTES];
    enum datagram_drop drop = datagram_rules_check(d, set->ports, set->port_count);
    if (drop != DATAGRAM_KEPT)
        return drop;
    struct address own = d->own;
    address_set_port(&own, socket->port);
    struct association_key key = association_key(&d->peer, &own);
    struct association_pair to = association_find(&socket->owner->loop->associations, &key);
    switch (dtls_record_look(d->data, d->truncated ? 0 : d->length, random)) {
    case DTLS_RECORD_NONE:
        return DATAGRAM_DROP_INVALID;
    case DTLS_RECORD_ENCRYPTED:
        return deliver_encrypted(&to, d);
    case DTLS_RECORD_PLAIN:
        return deliver_plain(&to, d);
    case DTLS_RECORD_HELLO:
        break;
    }
    if (began_with(to.unfinished, random))
        return deliver(to.unfinished, to.established, d) ? DATAGRAM_KEPT : DATAGRAM_DROP_INVALID;
    if (began_with(to.established, random))
        return DATAGRAM_DROP_INVALID; /* a late copy */
    return meet(socket, d, &key, to.unfinished);
}

static void wait_for(const struct dtls_socket *socket, struct reactor_source *source, unsigned want)
{
    struct error err;
    if (reactor_want(socket->owner->loop->reactor, source, want, &err) < 0)
        log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
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
        count_dropped(socket, take(socket, &w->items[i]));
    datagram_outbox_close(&w->outbox);
    metrics_add(&counters(socket)->datagrams_sent, w->outbox.sent);
    metrics_add(&counters(socket)->dropped[DATAGRAM_DROP_UNSENT], w->outbox.unsent);
}

/* Receives one batch. False: nothing more is waiting. */
static bool serve(struct dtls_socket *socket)
{
    struct worker_dtls *w = socket->owner;
    struct error err;
    for (size_t i = 0; i < DATAGRAM_BATCH; i++) {
        w->items[i].data = w->buffers + i * RECEIVE_BYTES;
        w->items[i].size = RECEIVE_BYTES;
    }
    struct datagram_io io = datagram_receive(socket->datagrams, w->items, DATAGRAM_BATCH, &err);
    if (io.status == DATAGRAM_FAILED)
        pause_receiving(w, &err);
    if (io.status != DATAGRAM_OK)
        return false;
    metrics_add(&counters(socket)->datagrams_received, io.n);
    count_kernel_drops(socket);
    take_batch(socket, io.n);
    return io.n == DATAGRAM_BATCH;
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
