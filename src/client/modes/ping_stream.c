/* SPDX-License-Identifier: MIT */
/* Probes one after the other in a stream, TCP or TLS: replies come in their order, so the number of
 * bytes that came back says which are whole. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ping_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/client/payload.h"

static int open_stream(struct ping *p, struct error *err)
{
    struct ping_stream *s = &p->stream;
    *s = (struct ping_stream){.first_seq = 0};
    if (session_open(&p->session, err) < 0 ||
        exchange_init(&s->exchange, p->session.transport, p->options->expect, err) < 0)
        return -1;
    p->fd = p->session.transport->fd;
    return 0;
}

/* Fills the exchange with bytes of the probes that have begun. */
static void fill(struct ping *p)
{
    struct ping_stream *s = &p->stream;
    uint64_t left = s->wanted_bytes - s->filled_bytes;
    size_t room = exchange_room(&s->exchange);
    size_t n = room < left ? room : (size_t)left;
    if (!n)
        return;
    payload_fill(s->exchange.out.data, n, p->totals.connections, s->filled_bytes);
    s->exchange.out.end = n;
    s->filled_bytes += n;
}

/* Sends until there is nothing left, or no room. */
static void send_probes(struct ping *p)
{
    struct ping_stream *s = &p->stream;
    do {
        fill(p);
        p->want = exchange_send(&s->exchange);
    } while (!p->want && s->filled_bytes < s->wanted_bytes && exchange_room(&s->exchange));
}

static void send_probe(struct ping *p)
{
    if (!p->stream.wanted_bytes) /* not earlier: probes may be lost while it connects */
        p->stream.first_seq = p->totals.probes.ledger.sent;
    p->stream.wanted_bytes += p->options->size_bytes;
    send_probes(p);
}

static void take_replies(struct ping *p)
{
    struct ping_stream *s = &p->stream;
    uint64_t now_us = clock_now_us();
    p->heard_us = now_us;
    for (; s->replies < s->exchange.received_bytes / p->options->size_bytes; s->replies++)
        ping_take_reply(p, s->first_seq + s->replies, now_us);
}

/* The result of the exchange, and the probe in which it failed. */
static void judge_connection(struct ping *p)
{
    const struct exchange *x = &p->stream.exchange;
    struct probe oldest;
    bool waits = ledger_oldest(&p->totals.probes.ledger, &oldest);
    exchange_judge(x, true, &p->last);
    if (!waits && (x->state == EXCHANGE_ENDED || x->state == EXCHANGE_CUT))
        outcome_measure(&p->last, x->reset ? RESULT_RESET : RESULT_TRUNCATED,
                        x->reset ? "the server, or something on the way, reset the connection"
                                 : "the server closed the connection");
    size_t used = strlen(p->last.error.text);
    if (x->state == EXCHANGE_WRONG && x->verdict == EXPECT_DIFFERS && waits)
        snprintf(p->last.error.text + used, sizeof p->last.error.text - used,
                 ": byte %" PRIu64 " of seq=%" PRIu64,
                 x->expect.offset_bytes % p->options->size_bytes, oldest.seq);
    const char *remedy = exchange_remedy(x, &p->last);
    if (x->state == EXCHANGE_WRONG && remedy)
        outcome_advise(&p->last,
                       hello_line_begins(x->first, sizeof x->first)
                           ? remedy
                           : "--ping needs a server that sends its bytes back; to test the "
                             "connection alone, use --check --expect none");
    if (p->last.result == RESULT_CORRUPT)
        ping_take_wrong(p);
}

/* Receives what is there. Returns whether anything was. */
static bool receive_replies(struct ping *p)
{
    struct exchange *x = &p->stream.exchange;
    bool received = false;
    for (;;) {
        unsigned want = exchange_receive(x);
        if (!buf_waiting(&x->in)) {
            p->want |= want;
            return received;
        }
        buf_take(&x->in, buf_waiting(&x->in));
        received = true;
        if (x->state == EXCHANGE_OPEN)
            take_replies(p);
    }
}

/* Sends and receives. Replies may make room for more. */
static void move(struct ping *p)
{
    struct ping_stream *s = &p->stream;
    send_probes(p);
    p->runnable = receive_replies(p) && s->filled_bytes < s->wanted_bytes;
    if (s->exchange.state == EXCHANGE_OPEN)
        return;
    judge_connection(p);
    ping_give_up(p);
}

static const char *diagnose(const struct ping *p, char ret[DIAGNOSIS_TEXT_BYTES])
{
    return diagnosis_of_end(p->fd, UINT64_MAX, ret);
}

static void close_stream(struct ping *p)
{
    struct ping_totals *totals = &p->totals;
    struct tcp_stats info;
    if (tcp_stats_read(p->fd, &info)) {
        info.retransmits += totals->kernel.retransmits;
        totals->kernel = info;
        totals->kernel_tells = true;
    }
    totals->bytes_sent += p->stream.exchange.sent_bytes;
    totals->bytes_received += p->stream.exchange.received_bytes;
    exchange_done(&p->stream.exchange);
}

const struct ping_carrier ping_stream = {
    .in_order = true,
    .open = open_stream,
    .send = send_probe,
    .move = move,
    .diagnose = diagnose,
    .close = close_stream,
};
