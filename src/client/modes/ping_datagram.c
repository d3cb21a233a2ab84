/* SPDX-License-Identifier: MIT */
/* Each probe is a datagram: replies may come in any order, more than once or never, and an ICMP
 * error may come instead. What is lost ends nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "ping_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/output.h"
#include "tlsecho/net/stamp.h"

enum { SEND_ATTEMPTS = 3 }; /* each may tell of an error that an earlier datagram met */

#define US_NS 1000

static unsigned char in[DATAGRAM_BYTES_MAX], out[DATAGRAM_BYTES_MAX];

static bool by_stamp(const struct ping *p)
{
    return p->options->expect == EXPECT_STAMP;
}

static struct ledger *ledger_of(struct ping *p)
{
    return &p->totals.probes.ledger;
}

/* The clock that STAMP's timestamps are of: it does not step while the run lasts. */
static int64_t wall_ns(const struct ping *p, uint64_t at_ns)
{
    return p->datagram.wall_offset_ns + (int64_t)at_ns;
}

static int open_link(struct ping *p, struct error *err)
{
    struct ping_datagram *d = &p->datagram;
    datagram_link_close(&d->link);
    d->link = (struct datagram_link){
        .session = &p->session,
        .options = {.time = true, .never_fragment = p->options->never_fragment}};
    if (datagram_link_open(&d->link, err) < 0)
        return -1;
    d->payload = (struct datagram_payload){.bytes = (size_t)p->options->size_bytes,
                                           .expect = p->options->expect};
    if (getrandom(&d->payload.key, sizeof d->payload.key, 0) < 0)
        d->payload.key = (uint32_t)clock_now_ns();
    d->ssid = (uint16_t)(d->payload.key % UINT16_MAX + 1);
    d->wall_offset_ns = clock_wall_us(clock_now_us()) * US_NS - (int64_t)clock_now_us() * US_NS;
    d->unsent_seq = 0;
    d->answered = d->ended = false;
    p->fd = d->link.socket->fd;
    p->want = WANT_READ;
    return 0;
}

/* --- the bytes of a probe --- */

static void build(struct ping *p, uint64_t seq)
{
    const struct ping_datagram *d = &p->datagram;
    uint64_t sent_ns = 0;
    if (!by_stamp(p)) {
        datagram_payload_fill(&d->payload, seq, out);
        return;
    }
    ledger_sent_ns(ledger_of(p), seq, &sent_ns);
    struct stamp_request request = {.seq = (uint32_t)(seq - 1),
                                    .ssid = d->ssid,
                                    .time = stamp_time(wall_ns(p, sent_ns)),
                                    .error_estimate = STAMP_ERROR_LEAST};
    stamp_build_request(&request, out, d->payload.bytes);
}

/* The number of a probe from its lower 32 bits, which count from 0 in a packet. */
static uint64_t stamp_seq(struct ping *p, uint32_t number)
{
    uint64_t sent = ledger_of(p)->sent;
    uint32_t back = (uint32_t)(sent - 1) - number;
    return back < sent ? sent - back : 0;
}

/* Which probe an ICMP error quotes, or else `otherwise`. */
static uint64_t quoted_seq(struct ping *p, const struct datagram_error *error, uint64_t otherwise)
{
    uint64_t seq = 0, sent = ledger_of(p)->sent;
    if (!by_stamp(p))
        seq = datagram_payload_seq(&p->datagram.payload, sent, error->data, error->length);
    else if (error->length >= sizeof(uint32_t))
        seq = stamp_seq(p, (uint32_t)error->data[0] << 24 | (uint32_t)error->data[1] << 16 |
                               (uint32_t)error->data[2] << 8 | error->data[3]);
    return seq ? seq : otherwise;
}

/* --- sending, and errors --- */

static void try_to_send(struct ping *p, uint64_t seq);

static void tell_of_next_address(const struct ping *p, const struct address *before)
{
    char from[ADDRESS_TEXT_BYTES], to[ADDRESS_TEXT_BYTES], text[2 * ADDRESS_TEXT_BYTES + 64];
    address_text(before, from);
    address_text(&p->session.peer, to);
    snprintf(text, sizeof text, "%s does not answer; trying %s", from, to);
    output_notice(p->options, text);
}

/* Nothing listens at the first address, and the name has another: what is on its way goes there. */
static bool move_to_next_address(struct ping *p)
{
    struct ping_datagram *d = &p->datagram;
    struct address peer = p->session.peer;
    struct probe oldest;
    if (d->answered || !datagram_link_try_next(&d->link))
        return false;
    tell_of_next_address(p, &peer);
    p->fd = d->link.socket->fd;
    if (ledger_oldest(ledger_of(p), &oldest))
        for (uint64_t seq = oldest.seq; seq <= ledger_of(p)->sent; seq++)
            try_to_send(p, seq);
    return true;
}

static void take_error(struct ping *p, const struct datagram_error *error, uint64_t otherwise)
{
    uint64_t seq = quoted_seq(p, error, otherwise);
    p->heard_us = clock_now_us();
    if (error->code != EMSGSIZE && move_to_next_address(p))
        return;
    const struct datagram_attempt attempt = {.socket = p->datagram.link.socket,
                                             .peer = &p->session.peer,
                                             .bytes = p->datagram.payload.bytes};
    datagram_link_judge(error, &attempt, p->options, &p->last);
    ping_lose_one(p, seq);
}

/* Of DTLS. */
static void end_session(struct ping *p)
{
    datagram_link_judge_end(p->datagram.link.socket, p->options, &p->last);
    p->datagram.ended = true;
}

static void try_to_send(struct ping *p, uint64_t seq)
{
    struct ping_datagram *d = &p->datagram;
    struct datagram_error error;
    d->unsent_seq = 0;
    for (int i = 0; i < SEND_ATTEMPTS && ledger_is_on_way(ledger_of(p), seq); i++) {
        build(p, seq);
        switch (datagram_link_send(&d->link, out, d->payload.bytes, &error)) {
        case DATAGRAM_LINK_DONE:
            p->totals.bytes_sent += d->payload.bytes;
            return;
        case DATAGRAM_LINK_WAIT:
            d->unsent_seq = seq;
            return;
        case DATAGRAM_LINK_ERROR:
            take_error(p, &error, seq);
            break;
        case DATAGRAM_LINK_ENDED:
            end_session(p);
            return;
        }
    }
    if (ledger_is_on_way(ledger_of(p), seq))
        d->unsent_seq = seq;
}

static void send_probe(struct ping *p)
{
    const struct ledger *ledger = ledger_of(p);
    if (ledger->on_way - ledger->overdue == 1)
        stamp_flow_send_alone(&p->datagram.flow, ledger->sent);
    try_to_send(p, ledger->sent);
}

/* --- receiving --- */

static void take_difference(struct ping *p, const struct datagram *item,
                            const struct datagram_answer *answer)
{
    size_t bytes = p->datagram.payload.bytes;
    size_t line = text_line_length(item->data, item->length < 24 ? item->length : 24);
    if (answer->seq && item->length != bytes)
        outcome_measure(&p->last, RESULT_CORRUPT,
                        "the reply to seq=%" PRIu64 " has %zu bytes instead of %zu", answer->seq,
                        item->length, bytes);
    else if (answer->seq)
        outcome_measure(&p->last, RESULT_CORRUPT, "byte %zu came back as 0x%02x instead of 0x%02x",
                        answer->at, answer->got, answer->expected);
    else
        outcome_measure(&p->last, RESULT_CORRUPT,
                        "a datagram of %zu bytes%s%.*s%s came back that is none of ours",
                        item->length, line ? ", \"" : "", (int)line, (const char *)item->data,
                        line ? "\"," : "");
    if (!answer->seq || !p->totals.probes.ledger.received)
        outcome_advise(&p->last,
                       by_stamp(p) ? "this is not the answer of a STAMP reflector: give a listener "
                                     "with service: stamp, or leave out --expect stamp"
                                   : "--ping needs a server that sends its bytes back");
    ping_take_wrong(p);
    ping_lose_one(p, answer->seq);
}

static void take_echo(struct ping *p, const struct datagram *item, uint64_t now_us)
{
    struct datagram_answer answer;
    switch (datagram_payload_check(&p->datagram.payload, ledger_of(p)->sent, item->data,
                                   item->length, &answer)) {
    case DATAGRAM_SAME:
        ping_take_reply(p, answer.seq, now_us);
        return;
    case DATAGRAM_DIFFERS:
        take_difference(p, item, &answer);
        return;
    case DATAGRAM_FOREIGN:
        return;
    }
}

/* What the reflector has to repeat: our fields, and the TLV but for its flags. A TLV for the record
 * is the reflector's to fill in, and one that knows no TLV may leave it out where nothing follows.
 */
static bool is_reflection(struct ping *p, const struct datagram *item, uint64_t seq,
                          const struct stamp_reply *reply, struct datagram_answer *ret)
{
    size_t bytes = p->datagram.payload.bytes;
    bool has_record = bytes >= STAMP_BYTES_WITH_RECORD;
    bool as_long =
        item->length == bytes || (bytes == STAMP_BYTES_WITH_RECORD && item->length == STAMP_BYTES);
    uint64_t sent_ns;
    ret->seq = seq;
    if (!seq || !as_long || !ledger_sent_ns(ledger_of(p), seq, &sent_ns))
        return false;
    build(p, seq);
    for (size_t i = has_record ? STAMP_BYTES_WITH_RECORD : STAMP_BYTES + 1; i < bytes; i++) {
        *ret = (struct datagram_answer){seq, i, out[i], item->data[i]};
        if (ret->expected != ret->got)
            return false;
    }
    ret->seq = 0;
    return reply->request.time == stamp_time(wall_ns(p, sent_ns)) &&
           reply->request.error_estimate == STAMP_ERROR_LEAST;
}

static void take_stamp(struct ping *p, const struct datagram *item, uint64_t now_us)
{
    struct stamp_reply reply;
    struct datagram_answer answer = {.seq = 0};
    bool parsed = stamp_parse_reply(item->data, item->length, &reply);
    uint64_t seq = parsed ? stamp_seq(p, reply.request.seq) : 0, sent_ns = 0;
    if (!parsed || !is_reflection(p, item, seq, &reply, &answer)) {
        take_difference(p, item, &answer);
        return;
    }
    ledger_sent_ns(ledger_of(p), seq, &sent_ns);
    struct stamp_times times = {.sent_ns = wall_ns(p, sent_ns),
                                .reflector_received_ns = reply.received_ns,
                                .reflector_sent_ns = reply.sent_ns,
                                .received_ns = wall_ns(p, now_us * US_NS)};
    stamp_flow_add(&p->datagram.flow, seq, ping_take_reply(p, seq, now_us), &reply.numbers, &times);
}

static void take(struct ping *p, const struct datagram *item)
{
    uint64_t now_us = datagram_link_received_us(item);
    p->heard_us = clock_now_us();
    p->datagram.answered = true;
    p->totals.bytes_received += item->length;
    if (by_stamp(p))
        take_stamp(p, item, now_us);
    else
        take_echo(p, item, now_us);
}

/* All that is here now. */
static void receive(struct ping *p)
{
    struct datagram item = {.data = in, .size = sizeof in};
    struct datagram_error error;
    for (;;) {
        switch (datagram_link_receive(&p->datagram.link, &item, &error)) {
        case DATAGRAM_LINK_DONE:
            take(p, &item);
            break;
        case DATAGRAM_LINK_ERROR:
            take_error(p, &error, ledger_of(p)->sent);
            p->datagram.ended = datagram_link_cannot_receive(&error);
            return; /* one that lasts must not outlast the deadline */
        case DATAGRAM_LINK_WAIT:
            return;
        case DATAGRAM_LINK_ENDED:
            end_session(p);
            return;
        }
    }
}

/* Where so many are on their way that another cannot be remembered, the oldest is lost. */
static void make_room(struct ping *p)
{
    struct probe oldest;
    while (ledger_is_full(ledger_of(p)) && ledger_oldest(ledger_of(p), &oldest) && oldest.overdue) {
        outcome_measure(&p->last, RESULT_TIMEOUT, "no reply to seq=%" PRIu64, oldest.seq);
        ping_lose_one(p, oldest.seq);
    }
}

static void move(struct ping *p)
{
    struct ping_datagram *d = &p->datagram;
    receive(p);
    if (d->unsent_seq)
        try_to_send(p, d->unsent_seq);
    if (d->ended) {
        ping_give_up(p);
        return;
    }
    make_room(p);
    p->want = d->unsent_seq ? WANT_READ | WANT_WRITE : WANT_READ;
    p->runnable = false;
}

static const char *diagnose(const struct ping *p, char ret[DIAGNOSIS_TEXT_BYTES])
{
    (void)p;
    *ret = '\0';
    return ret;
}

static void close_link(struct ping *p)
{
    p->totals.by_stamp = by_stamp(p);
    stamp_flow_result(&p->datagram.flow, ledger_of(p), &p->totals.stamp);
    datagram_link_end(&p->datagram.link);
}

const struct ping_carrier ping_datagram = {
    .open = open_link,
    .send = send_probe,
    .move = move,
    .diagnose = diagnose,
    .close = close_link,
};
