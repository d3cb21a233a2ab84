/* SPDX-License-Identifier: MIT */
#include "bench_traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bench_count.h"
#include "tlsecho/base/ascii.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/net/proxy.h"

enum { PIECES_PER_TURN = 8 }; /* of long messages, before other connections run */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t bench_traffic_due_ns(const struct bench_thread *t, uint32_t number, uint64_t k)
{
    const struct bench_load *load = t->run->load;
    double messages_before = (double)k * load->connections + number;
    return t->start_ns + (uint64_t)(messages_before * (1e9 / load->rate));
}

/* How many messages may begin now. */
static uint64_t may_begin(const struct bench_conn *c, uint64_t now_ns)
{
    const struct bench_thread *t = c->thread;
    const struct bench_load *load = t->run->load;
    bool open_loop = load->rate > 0; /* messages that are due are sent, even late */
    if (t->finishing || (now_ns >= t->end_ns && !open_loop) || !load->size_bytes || c->write_closed)
        return 0;
    uint64_t until = open_loop ? c->due : c->quota;
    return smaller(until - c->begun, load->pipeline - (c->begun - c->answered));
}

static void begin(struct bench_conn *c, uint64_t now_ns)
{
    const struct bench_load *load = c->thread->run->load;
    uint64_t n = may_begin(c, now_ns);
    c->unsent_bytes += n * load->size_bytes;
    for (; n; n--)
        c->begun_ns[c->begun++ % load->pipeline] = now_ns;
}

/* Counts the messages that end at or before this offset of the stream. */
static void answer(struct bench_conn *c, uint64_t offset, uint64_t now_ns)
{
    struct bench_thread *t = c->thread;
    const struct bench_load *load = t->run->load;
    while (c->answered < c->begun && offset >= (c->answered + 1) * load->size_bytes) {
        uint64_t begun_ns = c->begun_ns[c->answered % load->pipeline];
        uint64_t due_ns =
            load->rate > 0 ? bench_traffic_due_ns(t, c->number, c->answered) : begun_ns;
        bench_count_message(t, due_ns, begun_ns, now_ns);
        c->answered++;
    }
}

/* One write. Returns what to wait for; *ret_go_on: another one may follow. */
static unsigned send_piece(struct bench_conn *c, uint64_t now_ns, bool *ret_go_on)
{
    struct bench_run *run = c->thread->run;
    struct error err;
    size_t n = (size_t)smaller(c->unsent_bytes, BENCH_PIECE_BYTES);
    const unsigned char *data = bench_pattern_sent(run->pattern, c->number, c->sent);
    struct io io = transport_write(c->transport, data, n, &err);
    c->sent += io.n;
    c->unsent_bytes -= io.n;
    c->flushing = io.status == IO_WANT_READ || io.status == IO_WANT_WRITE;
    if (io.progressed)
        c->last_activity_ns = now_ns;
    bench_count_bytes(c->thread, io.n, 0, now_ns);
    if (run->load->expect == EXPECT_NONE && !c->flushing)
        answer(c, c->sent, now_ns);
    *ret_go_on = io.status == IO_OK;
    if (c->flushing)
        return io.status == IO_WANT_READ ? WANT_READ : WANT_WRITE;
    if (io.status != IO_OK) { /* reading continues for the reason */
        c->write_closed = true;
        c->unsent_bytes = 0;
    }
    if (io.status == IO_FAILED) { /* the peer knows of nothing */
        c->failure = err.code ? err.code : EIO;
        shutdown(c->source.fd, SHUT_RDWR);
    }
    return WANT_NOTHING;
}

unsigned bench_traffic_send(struct bench_conn *c, uint64_t now_ns)
{
    unsigned want = WANT_READ;
    bool go_on = true;
    for (int pieces = 0; go_on; pieces++) {
        if (!c->unsent_bytes && !c->flushing)
            begin(c, now_ns);
        if (!c->unsent_bytes && !c->flushing)
            break;
        if (pieces == PIECES_PER_TURN) {
            want |= WANT_WRITE;
            break;
        }
        want |= send_piece(c, now_ns, &go_on);
    }
    return want;
}

/* n received bytes, of which `owed` were expected, and the index of the first wrong one. */
struct difference {
    const unsigned char *expected;
    size_t owed, n, i;
    uint64_t at; /* in the stream */
};

static bool is_upper(const struct bench_thread *t, const struct difference *d)
{
    unsigned char upper[BENCH_PIECE_BYTES];
    if (t->run->load->expect != EXPECT_ECHO || d->i == d->owed)
        return false;
    memcpy(upper, d->expected, d->owed);
    ascii_upper(upper, d->owed);
    return memcmp(upper, t->in, d->owed) == 0;
}

/* NULL: more bytes came back than were sent, for an unknown reason. */
static const char *remedy(const struct bench_thread *t, const struct difference *d)
{
    if (d->at == 0 && proxy_begins(t->in, d->n))
        return "our PROXY header came back: the server expects none, leave out --proxy-protocol";
    if (d->at == 0 && d->n > 1 && t->in[0] == 0x15 && t->in[1] == 0x03 &&
        !target_is_tls(t->run->target))
        return "the server answered with a TLS alert: it speaks TLS, add --tls or write tls://";
    if (d->at == 0 && hello_line_begins(t->in, d->n))
        return "it begins with a hello line: add --expect hello";
    if (is_upper(t, d))
        return "it returns upper case: add --expect upper";
    if (d->at == 0)
        return "it is not an echo server: " BENCH_WITHOUT_ECHO;
    return d->i < d->owed ? "something on the way changed it" : NULL;
}

static void describe_difference(const struct bench_conn *c, const struct difference *d,
                                struct outcome *ret)
{
    const unsigned char *in = c->thread->in;
    uint32_t number = c->number + 1;
    size_t line = d->at ? 0 : text_line_length(in, (size_t)smaller(d->n, EXCHANGE_FIRST_BYTES));
    if (line && !is_upper(c->thread, d))
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": the server sent \"%.*s\" instead of our bytes",
                        number, (int)line, (const char *)in);
    else if (d->i == d->owed)
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": byte %" PRIu64
                        " (0x%02x) came back, but only %" PRIu64 " were sent",
                        number, d->at, in[d->i], c->sent);
    else
        outcome_measure(ret, RESULT_CORRUPT,
                        "connection %" PRIu32 ": byte %" PRIu64
                        " came back as 0x%02x instead of 0x%02x",
                        number, d->at, in[d->i], d->expected[d->i]);
}

static void differs(struct bench_conn *c, const unsigned char *expected, size_t owed, size_t n,
                    struct outcome *ret)
{
    struct bench_thread *t = c->thread;
    struct difference d = {.expected = expected, .owed = owed, .n = n};
    while (d.i < owed && t->in[d.i] == expected[d.i])
        d.i++;
    d.at = c->received + d.i;
    describe_difference(c, &d, ret);
    const char *advice = remedy(t, &d);
    if (advice)
        outcome_advise(ret, advice);
    atomic_store(&t->run->stopping, true);
}

/* Drops the hello line from the *n bytes that have been received. False: it is none, as *ret says.
 */
static bool drop_hello(struct bench_conn *c, size_t *n, struct outcome *ret)
{
    struct bench_thread *t = c->thread;
    size_t used = 0;
    if (t->run->load->expect != EXPECT_HELLO || c->hello.complete)
        return true;
    if (hello_line_take(&c->hello, t->in, *n, &used)) {
        memmove(t->in, t->in + used, *n - used);
        *n -= used;
        return true;
    }
    outcome_measure(ret, RESULT_CORRUPT,
                    "connection %" PRIu32 ": what the server sent first is not a hello line; "
                    "connect to a listener with `service: hello`, or leave out --expect hello",
                    c->number + 1);
    atomic_store(&t->run->stopping, true);
    return false;
}

/* n bytes have been received. False: they are wrong, as *ret says. */
static bool take(struct bench_conn *c, size_t n, uint64_t now_ns, struct outcome *ret)
{
    struct bench_thread *t = c->thread;
    c->last_activity_ns = now_ns;
    if (!drop_hello(c, &n, ret))
        return false;
    if (n == 0)
        return true;
    bench_count_bytes(t, 0, n, now_ns);
    if (t->run->load->expect == EXPECT_NONE) {
        c->received += n;
        return true;
    }
    const unsigned char *expected = bench_pattern_expected(t->run->pattern, c->number, c->received);
    size_t owed = (size_t)smaller(c->sent - c->received, n);
    if (owed < n || memcmp(t->in, expected, n) != 0) {
        differs(c, expected, owed, n, ret);
        return false;
    }
    c->received += n;
    answer(c, c->received, now_ns);
    return true;
}

bool bench_traffic_is_busy(const struct bench_conn *c)
{
    return c->unsent_bytes || c->flushing || c->answered < c->begun;
}

bool bench_traffic_lacks_echo(const struct bench_conn *c)
{
    return c->thread->run->load->expect != EXPECT_NONE && c->sent && !c->received;
}

static void ended_early(const struct bench_conn *c, enum io_status status, struct outcome *ret)
{
    char known[DIAGNOSIS_TEXT_BYTES];
    uint64_t reset_after_us =
        status == IO_RESET ? (clock_now_ns() - c->last_activity_ns) / 1000 : UINT64_MAX;
    uint64_t missing = c->sent + c->unsent_bytes - c->received;
    const char *how = status == IO_RESET
                          ? "the server, or something on the way, reset the connection"
                      : status == IO_CUT ? "the server ended without close_notify"
                                         : "the server ended";
    char missing_text[48] = "";
    if (c->thread->run->load->expect == EXPECT_NONE)
        missing = c->unsent_bytes;
    if (missing)
        snprintf(missing_text, sizeof missing_text, " with %" PRIu64 " bytes missing", missing);
    bool waiting = c->state == BENCH_WAITING;
    outcome_measure(ret, status == IO_RESET ? RESULT_RESET : RESULT_TRUNCATED,
                    "connection %" PRIu32 ": %s%s%s%s", c->number + 1, how, missing_text,
                    waiting ? " before the load started" : "",
                    diagnosis_of_end(c->source.fd, reset_after_us, known));
    if (waiting && c->thread->run->load->start_at_us)
        outcome_advise(ret, "if it ends idle connections, start the client closer to --start-at");
    if (status != IO_RESET && bench_traffic_lacks_echo(c))
        outcome_advise(ret, BENCH_IF_WITHOUT_ECHO);
}

static void broke(const struct bench_conn *c, const struct error *err, struct outcome *ret)
{
    outcome_fail_to_open(ret, PHASE_ECHO, err, c->thread->run->target->options);
}

/* False: the connection has ended, as *ret says. */
static bool receive(struct bench_conn *c, uint64_t *ret_now_ns, struct outcome *ret)
{
    struct error err;
    struct io io;
    do {
        io = transport_read(c->transport, c->thread->in, BENCH_PIECE_BYTES, &err);
        *ret_now_ns = clock_now_ns();
        switch (io.status) {
        case IO_OK:
            if (!take(c, io.n, *ret_now_ns, ret))
                return false;
            break;
        case IO_WANT_READ:
        case IO_WANT_WRITE: /* on TLS a read may need to write */
            break;
        case IO_RESET:
            if (err.code != ECONNRESET && err.code != EPIPE) { /* the kernel has given up */
                diagnosis_of_silence(c->source.fd, &err);
                broke(c, &err, ret);
                return false;
            }
            ended_early(c, io.status, ret);
            return false;
        case IO_EOF:
        case IO_CUT:
            ended_early(c, io.status, ret);
            return false;
        case IO_FAILED:
            broke(c, &err, ret);
            return false;
        }
    } while (io.status == IO_OK && io.more);
    return true;
}

enum bench_step bench_traffic_wait(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    uint64_t now_ns;
    bool receives_only = !c->thread->run->load->size_bytes;
    *ret_want = receives_only ? WANT_NOTHING : WANT_READ;
    return receives_only || receive(c, &now_ns, ret) ? BENCH_GO_ON : BENCH_FAILED;
}

/* In an open loop a connection stays open until the end of the measured time, which includes the
 * interval after the last message. */
bool bench_traffic_is_done(const struct bench_conn *c)
{
    const struct bench_thread *t = c->thread;
    bool has_sent_all = c->answered == c->quota && (t->run->load->rate <= 0 || t->behind);
    return (t->finishing || has_sent_all) && !bench_traffic_is_busy(c);
}

/* Messages without a reply are complete when they are sent: no event follows. */
enum bench_step bench_traffic_start(struct bench_conn *c, uint64_t now_ns, unsigned *ret_want)
{
    if (!bench_traffic_is_done(c))
        *ret_want = bench_traffic_send(c, now_ns);
    return bench_traffic_is_done(c) ? BENCH_DONE : BENCH_GO_ON;
}

/* Why it ended, if this host could not send. */
static void explain(const struct bench_conn *c, struct outcome *ret)
{
    struct error err;
    errno = c->failure;
    error_sys(&err, "connection %" PRIu32 ": send", c->number + 1);
    broke(c, &err, ret);
}

enum bench_step bench_traffic_run(struct bench_conn *c, unsigned *ret_want, struct outcome *ret)
{
    uint64_t now_ns;
    if (receive(c, &now_ns, ret))
        return bench_traffic_start(c, now_ns, ret_want);
    if (c->failure)
        explain(c, ret);
    return BENCH_FAILED;
}
