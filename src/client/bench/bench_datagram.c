/* SPDX-License-Identifier: MIT */
#include "bench_datagram.h"

#include <inttypes.h>

#include "bench_count.h"
#include "bench_datagram_internal.h"
#include "bench_traffic.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/datagram_dtls.h"
#include "tlsecho/client/datagram_link.h"

enum {
    SEND_ATTEMPTS = 3,    /* each may tell of an error that an earlier datagram met */
    BATCHES_PER_TURN = 8, /* then it is the others' turn */
};

static bool comes_back(const struct bench_conn *c)
{
    return c->thread->run->load->expect != EXPECT_NONE;
}

static enum bench_step never_waits(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    (void)c;
    (void)ret;
    *ret_want = WANT_NOTHING;
    return BENCH_DONE;
}

/* --- what is lost --- */

static uint64_t due_ns(const struct bench_conn *c, uint64_t seq)
{
    return bench_traffic_due_ns(c->thread, c->number, seq - 1);
}

static void count_lost(struct bench_conn *c, uint64_t seq, const struct outcome *why)
{
    if (due_ns(c, seq) < c->thread->begin_ns)
        return;
    c->thread->measure.lost++;
    bench_count_failure(c, why);
}

static void lose(struct bench_conn *c, uint64_t seq, const struct outcome *why)
{
    struct probe probe;
    if (ledger_lose_one(&c->datagrams->ledger, seq, &probe))
        count_lost(c, seq, why);
}

static void lose_late(struct bench_conn *c, uint64_t seq)
{
    struct outcome outcome = {.error = {.alert = -1}};
    outcome_measure(&outcome, RESULT_TIMEOUT,
                    "no reply to message %" PRIu64 " of connection %" PRIu32 " within %d s", seq,
                    c->number + 1, BENCH_DATAGRAM_WAIT_MS / 1000);
    lose(c, seq, &outcome);
}

static void take_error(struct bench_conn *c, const struct datagram_error *error, uint64_t seq)
{
    struct outcome outcome = {.error = {.alert = -1}};
    bench_datagram_judge(c, error, &outcome);
    if (comes_back(c))
        lose(c, seq, &outcome);
    else
        count_lost(c, seq, &outcome);
}

static void take_errors(struct bench_conn *c)
{
    struct bench_datagrams *d = c->datagrams;
    struct datagram_error error;
    while (datagram_take_error(d->socket, &error)) {
        uint64_t seq = datagram_payload_seq(&d->payload, c->begun, error.data, error.length);
        take_error(c, &error, seq ? seq : c->begun);
    }
}

/* --- sending --- */

static void lose_for(struct bench_conn *c, uint64_t seq, const struct error *err)
{
    struct outcome outcome;
    outcome_fail(&outcome, PHASE_LOCAL, err);
    lose(c, seq, &outcome);
}

/* Makes the next number known. Where so many are on their way that it cannot be remembered, or that
 * there is no memory for it, the oldest is lost. */
static void enter(struct bench_conn *c, uint64_t now_ns)
{
    struct ledger *ledger = &c->datagrams->ledger;
    struct error err = {.alert = -1};
    struct probe oldest;
    if (ledger_is_full(ledger) && ledger_oldest(ledger, &oldest))
        lose_late(c, oldest.seq);
    if (ledger_send(ledger, false, now_ns, &err) == 0 || !ledger_oldest(ledger, &oldest))
        return;
    lose_for(c, oldest.seq, &err);
    ledger_send(ledger, false, now_ns, &err);
}

/* It counts as sent and lost. */
static void fail_to_send(struct bench_conn *c, uint64_t now_ns, int code)
{
    uint64_t seq = ++c->begun;
    if (comes_back(c))
        enter(c, now_ns);
    take_error(c, &(struct datagram_error){.code = code, .local = true}, seq);
}

/* One message, in the thread's buffer. */
static void send_message(struct bench_conn *c, uint64_t now_ns)
{
    struct bench_thread *t = c->thread;
    struct bench_datagrams *d = c->datagrams;
    struct datagram item = {.data = t->in, .length = d->payload.bytes};
    struct error err = {.code = 0};
    uint64_t seq = c->begun + 1;
    datagram_payload_fill(&d->payload, seq, t->in);
    for (int i = 0; i < SEND_ATTEMPTS; i++) {
        struct datagram_io io = datagram_send(d->socket, &item, 1, &err);
        d->blocked = io.status == DATAGRAM_WAIT;
        if (d->blocked)
            return;
        if (io.status == DATAGRAM_OK)
            break;
        take_errors(c);
        if (i + 1 == SEND_ATTEMPTS) {
            fail_to_send(c, now_ns, err.code);
            return;
        }
    }
    if (comes_back(c))
        enter(c, now_ns);
    c->begun = seq;
    c->last_activity_ns = now_ns;
    bench_count_bytes(t, item.length, 0, now_ns);
    if (!comes_back(c))
        bench_count_message(t, due_ns(c, seq), now_ns, now_ns);
}

static unsigned send_due(struct bench_conn *c, uint64_t now_ns)
{
    c->datagrams->blocked = false;
    while (!c->thread->finishing && c->begun < c->due && !c->datagrams->blocked)
        send_message(c, now_ns);
    return c->datagrams->blocked ? WANT_READ | WANT_WRITE : WANT_READ;
}

static bool is_busy(const struct bench_conn *c)
{
    return c->datagrams->ledger.on_way || (!c->thread->finishing && c->begun < c->due);
}

/* A count of messages at a rate may take longer than its time. */
static bool is_done(const struct bench_conn *c)
{
    const struct bench_thread *t = c->thread;
    return (t->finishing || (c->begun == c->quota && t->behind)) && !is_busy(c);
}

static enum bench_step start(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want)
{
    *ret_want = send_due(c, now_ns);
    return is_done(c) ? BENCH_DONE : BENCH_GO_ON;
}

/* --- receiving --- */

static void describe_difference(const struct bench_conn *c, const struct datagram *item,
                                const struct datagram_answer *answer, struct outcome *ret)
{
    uint32_t number = c->number + 1;
    size_t bytes = c->datagrams->payload.bytes;
    if (item->length != bytes || item->truncated)
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": a reply has %s%zu bytes instead of %zu", number,
                        item->truncated ? "more than " : "", item->length, bytes);
    else if (answer->seq)
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": byte %zu of the reply to message %" PRIu64
                        " came back as 0x%02x instead of 0x%02x",
                        number, answer->at, answer->seq, answer->got, answer->expected);
    else
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": a datagram came back that is none of ours",
                        number);
}

static void take_reply(struct bench_conn *c, uint64_t seq, uint64_t now_ns)
{
    struct bench_thread *t = c->thread;
    struct probe probe;
    switch (ledger_receive(&c->datagrams->ledger, seq, now_ns, &probe)) {
    case LEDGER_ANSWERED:
        c->answered++;
        bench_count_message(t, due_ns(c, seq), probe.sent_ns, now_ns);
        t->measure.reordered += probe.reordered && due_ns(c, seq) >= t->begin_ns;
        return;
    case LEDGER_DUPLICATE:
        t->measure.duplicated += due_ns(c, seq) >= t->begin_ns;
        return;
    case LEDGER_UNKNOWN:
        return;
    }
}

/* False: it is wrong, as *ret says. */
static bool take(struct bench_conn *c, const struct datagram *item, uint64_t now_ns,
                 struct outcome *ret)
{
    struct datagram_answer answer;
    bench_count_bytes(c->thread, 0, item->length, now_ns);
    if (!comes_back(c))
        return true;
    switch (datagram_payload_check(&c->datagrams->payload, c->begun, item->data, item->length,
                                   &answer)) {
    case DATAGRAM_SAME:
        take_reply(c, answer.seq, now_ns);
        return true;
    case DATAGRAM_FOREIGN:
        return true;
    case DATAGRAM_DIFFERS:
        break;
    }
    describe_difference(c, item, &answer, ret);
    atomic_store(&c->thread->run->stopping, true);
    return false;
}

/* As many as fit into the thread's buffer, each with room for a byte too many. */
static size_t place(const struct bench_conn *c, struct datagram items[DATAGRAM_BATCH])
{
    size_t slot = c->datagrams->payload.bytes + 1, count = BENCH_PIECE_BYTES / slot;
    count = count < DATAGRAM_BATCH ? count : DATAGRAM_BATCH;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct datagram){.data = c->thread->in + i * slot, .size = slot};
    return count;
}

/* False: something wrong came, or this host cannot receive. Other errors take_errors() tells. */
static bool receive_batch(struct bench_conn *c, bool *ret_more, struct outcome *ret)
{
    struct datagram items[DATAGRAM_BATCH];
    struct error err = {.code = 0};
    size_t count = place(c, items);
    struct datagram_io io = datagram_receive(c->datagrams->socket, items, count, &err);
    uint64_t now_ns = clock_now_ns();
    *ret_more = io.status == DATAGRAM_OK && io.n == count;
    for (size_t i = 0; i < io.n; i++)
        if (!take(c, &items[i], now_ns, ret))
            return false;
    if (io.status != DATAGRAM_FAILED || result_of(PHASE_ECHO, &err) != RESULT_LOCAL_IO)
        return true;
    outcome_fail(ret, PHASE_ECHO, &err);
    return false;
}

/* False: something wrong came, nothing can come, or the session has ended, as *ret says. */
static bool receive(struct bench_conn *c, struct outcome *ret)
{
    bool more = true;
    struct error ignored;
    for (int i = 0; i < BATCHES_PER_TURN && more; i++)
        if (!receive_batch(c, &more, ret))
            return false;
    take_errors(c);
    if (datagram_dtls_end(c->datagrams->socket, &ignored) == DTLS_OK)
        return true;
    datagram_link_judge_end(c->datagrams->socket, c->thread->run->target->options, ret);
    return false;
}

/* A server may end a DTLS session. */
static enum bench_step wait_for_start(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    *ret_want = WANT_READ;
    return receive(c, ret) ? BENCH_GO_ON : BENCH_FAILED;
}

static enum bench_step run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    return receive(c, ret) ? start(c, clock_now_ns(), ret_want) : BENCH_FAILED;
}

static enum bench_step sweep(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want,
                             struct outcome *ret)
{
    struct probe probe;
    (void)ret;
    while (ledger_expire(&c->datagrams->ledger, now_ns, &probe))
        lose_late(c, probe.seq);
    return start(c, now_ns, ret_want);
}

const struct bench_carrier bench_datagram = {
    .open = bench_datagram_begin,
    .opening = bench_datagram_shake_hands,
    .wait = wait_for_start,
    .start = start,
    .run = run,
    .send = send_due,
    .sweep = sweep,
    .is_busy = is_busy,
    .is_done = is_done,
    .end = never_waits,
};
