/* SPDX-License-Identifier: MIT */
/* From a batch of datagrams to its answers: the data path. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "datagram_server_internal.h"
#include "tlsecho/base/ascii.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/server/conn_info.h"
#include "tlsecho/server/datagram_rules.h"

static struct metrics_listener *counters(const struct datagram_listener *l)
{
    return &l->server->place.metrics->listeners[l->slot];
}

static void count_received(struct datagram_listener *l, const struct datagram *d,
                           struct datagram_traffic *traffic)
{
    metrics_add(&counters(l)->datagrams_received, 1);
    metrics_add(&counters(l)->received_bytes, d->length);
    traffic->received++;
    traffic->received_bytes += d->length;
}

static void count_sent(struct datagram_listener *l, const struct datagram *d,
                       struct datagram_traffic *traffic)
{
    metrics_add(&counters(l)->datagrams_sent, 1);
    metrics_add(&counters(l)->sent_bytes, d->length);
    traffic->sent++;
    traffic->sent_bytes += d->length;
}

static void count_dropped(struct datagram_listener *l, enum datagram_drop drop,
                          struct datagram_traffic *traffic)
{
    metrics_add(&counters(l)->dropped[drop], 1);
    traffic->dropped++;
    traffic->drop = drop;
}

static void count_kernel_drops(struct datagram_listener *l)
{
    uint32_t more = l->socket->kernel_drops - l->drops_counted; /* it wraps around */
    l->drops_counted = l->socket->kernel_drops;
    if (more > 0)
        metrics_add(&counters(l)->dropped[DATAGRAM_DROP_KERNEL], more);
}

/* What tells one of our answers from others, or may be that of one behind so many bytes. */
static uint32_t mark_of(const struct datagram_listener *l, const struct datagram *d, size_t offset)
{
    size_t bytes = l->listener->service->mark_bytes;
    if (bytes == 0 || offset + bytes > d->length)
        return datagram_loops_hash(l->server->loops, d->data, d->length);

    unsigned char mark[SERVICE_MARK_BYTES_MAX];
    assert(bytes <= sizeof mark);
    memcpy(mark, d->data + offset, bytes);
    ascii_upper(mark, bytes);
    return datagram_loops_hash(l->server->loops, mark, bytes);
}

/* Whether the source returns our answers. mark: of the datagram. */
static enum datagram_drop check_loop(struct datagram_listener *l, const struct datagram *d,
                                     uint32_t mark, struct datagram_partner *partner,
                                     uint64_t now_us)
{
    struct datagram_server *s = l->server;
    const struct service *service = l->listener->service;
    uint32_t other = service->mark_offset > 0 ? mark_of(l, d, service->mark_offset) : 0;
    switch (datagram_loops_receive(partner, mark, other, now_us)) {
    case DATAGRAM_LOOPS_ANSWER:
        return DATAGRAM_KEPT;
    case DATAGRAM_LOOPS_FOUND:
        rate_limited_count_add(&s->loops_found);
        s->loop_source = d->peer;
        s->loop_listener = l->listener;
        break;
    case DATAGRAM_LOOPS_IGNORE:
        break;
    }
    return DATAGRAM_DROP_LOOP;
}

/* For a report. */
static void gather_info(const struct datagram_listener *l, const struct datagram *d,
                        struct conn_info *ret)
{
    *ret = (struct conn_info){.time = d->time,
                              .identity = &l->listener->snapshot->config->identity.effective,
                              .listener = l->listener->config->name.value,
                              .datagram = d};
    if (gethostname(ret->server, sizeof ret->server - 1) < 0)
        ret->server[0] = '\0';
    address_text(&d->peer, ret->source);
    if (d->own.length == 0)
        return;
    struct address own = d->own;
    address_set_port(&own, l->port);
    address_text(&own, ret->destination);
}

static enum service_verdict reply(struct datagram_listener *l, struct datagram *d, uint64_t now_us)
{
    const struct service *service = l->listener->service;
    struct service_request request = {
        .stamp = l->server->place.stamp, .own_port = l->port, .now_us = now_us};
    if (!service->wants_info)
        return service->reply(&request, d);
    struct conn_info info;
    gather_info(l, d, &info);
    request.info = &info;
    return service->reply(&request, d);
}

/* What the rules say. */
static enum datagram_drop check(struct datagram_listener *l, const struct datagram *d,
                                uint64_t now_us)
{
    const struct datagram_set *set = l->server->set;
    enum datagram_drop drop = datagram_rules_check(d, set->ports, set->port_count);
    if (drop != DATAGRAM_KEPT)
        return drop;
    return admission_datagram(l->server->place.admission, l->listener->config, &d->peer, now_us);
}

/* Turns it into its answer. True: there is one. */
static bool answer(struct datagram_listener *l, struct datagram *d, enum datagram_drop *ret_drop,
                   uint64_t now_us)
{
    struct datagram_server *s = l->server;
    *ret_drop = check(l, d, now_us);
    if (*ret_drop != DATAGRAM_KEPT)
        return false;
    struct datagram_partner *partner = datagram_loops_find(s->loops, &d->peer, l->slot, now_us);
    uint32_t mark = mark_of(l, d, 0);
    *ret_drop = check_loop(l, d, mark, partner, now_us);
    if (*ret_drop != DATAGRAM_KEPT)
        return false;

    size_t longest = d->length; /* of an answer: never an amplifier */
    (void)longest;
    switch (reply(l, d, now_us)) {
    case SERVICE_ANSWERS:
        break;
    case SERVICE_IS_SILENT:
        return false;
    case SERVICE_IS_SHORT:
        *ret_drop = DATAGRAM_DROP_SHORT;
        return false;
    }
    assert(d->length <= longest);
    datagram_loops_answer(partner, l->listener->service->verbatim ? mark : mark_of(l, d, 0));
    return true;
}

/* What does not fit into the send buffer now is dropped, as on every link of the way. */
static void send_answers(struct datagram_listener *l, size_t count)
{
    struct datagram_server *s = l->server;
    struct error ignored ERROR_UNSET;
    for (size_t i = 0; i < count;) {
        struct datagram_io io = datagram_send(l->socket, s->items + i, count - i, &ignored);
        for (size_t end = i + io.n; i < end; i++)
            count_sent(l, &s->items[i], s->answered[i]);
        if (io.status == DATAGRAM_FAILED)
            count_dropped(l, DATAGRAM_DROP_UNSENT, s->answered[i++]);
        for (; io.status == DATAGRAM_WAIT && i < count; i++)
            count_dropped(l, DATAGRAM_DROP_UNSENT, s->answered[i]);
    }
}

static void answer_all(struct datagram_listener *l, size_t count)
{
    struct datagram_server *s = l->server;
    uint64_t now_us = clock_now_us();
    size_t answers = 0;
    for (size_t i = 0; i < count; i++) {
        struct datagram *d = &s->items[i];
        struct datagram_traffic *traffic =
            datagram_log_find(&s->log, &d->peer, l->listener, now_us);
        enum datagram_drop drop;
        count_received(l, d, traffic);
        if (answer(l, d, &drop, now_us)) {
            if (answers < i)
                s->items[answers] = *d;
            s->answered[answers++] = traffic;
        } else if (drop != DATAGRAM_KEPT) {
            count_dropped(l, drop, traffic);
        }
    }
    send_answers(l, answers);
}

bool datagram_server_serve(struct datagram_listener *listener)
{
    struct datagram_server *s = listener->server;
    struct error err ERROR_UNSET;
    const size_t most = datagram_next_batch(listener->last_batch);
    for (size_t i = 0; i < most; i++) {
        s->items[i].data = s->buffers + i * DATAGRAM_BUFFER_BYTES;
        s->items[i].size = DATAGRAM_BYTES_MAX;
    }
    struct datagram_io io = datagram_receive(listener->socket, s->items, most, &err);
    if (io.n > 0)
        listener->last_batch = io.n;
    if (io.status == DATAGRAM_FAILED) {
        rate_limited_count_add(&s->failures);
        s->failure = err;
        s->failed_listener = listener->listener;
        s->resume_us = clock_now_us() + DATAGRAM_PAUSE_US;
        return false;
    }
    count_kernel_drops(listener);
    answer_all(listener, io.n);
    return io.n == most;
}
