/* SPDX-License-Identifier: MIT */
/* Which association a datagram is for, and which datagram begins one. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/server/datagram_rules.h"
#include "tlsecho/tls/dtls_session.h"
#include "worker_dtls_internal.h"

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

static void count_cookie(const struct dtls_socket *socket, enum metrics_cookie cookie)
{
    metrics_add(&worker_dtls_counters(socket)->cookies[cookie], 1);
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
        .max_bytes = (size_t)socket->listener->snapshot->config->limits.client_hello_bytes,
    };
    enum datagram_drop drop = admission_datagram(worker_group_admission(w->loop->group),
                                                 socket->listener->config, &d->peer, now_us);
    if (drop != DATAGRAM_KEPT || w->draining)
        return drop != DATAGRAM_KEPT ? drop : DATAGRAM_DROP_LIMIT;
    switch (dtls_cookies_check(w->cookies, &flight, now_us, answer)) {
    case DTLS_FIRST_ASK:
        count_cookie(socket, METRICS_COOKIE_NONE);
        return send_cookie(socket, d, answer);
    case DTLS_FIRST_WRONG:
        count_cookie(socket, METRICS_COOKIE_WRONG);
        return send_cookie(socket, d, answer);
    case DTLS_FIRST_PROVEN:
        count_cookie(socket, METRICS_COOKIE_VALID);
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

enum datagram_drop worker_dtls_take(struct dtls_socket *socket, const struct datagram *d)
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
