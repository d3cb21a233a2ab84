/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/net/proxy.h"
#include "tlsecho/tls/transport_tls.h"

#define HELLO_REMEDY "connect to a listener with `service: hello`, or leave out --expect hello"

int exchange_init(struct exchange *x, struct transport *t, enum expect_kind kind, struct error *err)
{
    unsigned char *out = malloc(EXCHANGE_BUFFER_BYTES);
    unsigned char *in = malloc(EXCHANGE_BUFFER_BYTES);
    bool greeted = kind == EXPECT_HELLO;
    char *hello_text = greeted ? malloc(HELLO_LINE_BYTES_MAX) : NULL;
    if (!out || !in || (greeted && !hello_text)) {
        free(out);
        free(in);
        free(hello_text);
        return error_sys(err, "memory for the buffers");
    }
    *x = (struct exchange){.transport = t,
                           .out = {.data = out, .size = EXCHANGE_BUFFER_BYTES},
                           .in = {.data = in, .size = EXCHANGE_BUFFER_BYTES},
                           .hello.complete = !greeted,
                           .hello_text = hello_text,
                           .last_activity_us = clock_now_us(),
                           .reset_after_us = UINT64_MAX};
    expect_init(&x->expect, kind);
    return 0;
}

void exchange_done(struct exchange *x)
{
    expect_done(&x->expect);
    free(x->out.data);
    free(x->in.data);
    free(x->hello_text);
    x->out.data = x->in.data = NULL;
    x->hello_text = NULL;
}

size_t exchange_room(const struct exchange *x)
{
    if (x->state != EXCHANGE_OPEN || x->ending || x->send_failed || x->flushing ||
        buf_waiting(&x->out))
        return 0;
    size_t room = expect_room(&x->expect);
    return room < x->out.size ? room : x->out.size;
}

static void fail(struct exchange *x, const struct error *err)
{
    x->state = EXCHANGE_BROKEN;
    x->error = *err;
}

uint64_t exchange_due_us(const struct exchange *x, uint64_t idle_us)
{
    return idle_us ? x->last_activity_us + idle_us : UINT64_MAX;
}

void exchange_expire(struct exchange *x, uint64_t limit_us)
{
    struct error err;
    bool moves = x->received_bytes && clock_now_us() < x->last_activity_us + limit_us;
    const char *how = moves ? "the server was still sending after" : "no data for";
    double limit_s = (double)limit_us / 1e6;
    size_t missing = expect_missing(&x->expect) + buf_waiting(&x->out);
    if (!x->hello.complete)
        error_set(&err, ERROR_TIMEOUT, "%s %.6g s, without a whole hello line; " HELLO_REMEDY, how,
                  limit_s);
    else if (missing)
        error_set(&err, ERROR_TIMEOUT, "%s %.6g s, with %zu bytes missing", how, limit_s, missing);
    else
        error_set(&err, ERROR_TIMEOUT, "%s %.6g s%s", how, limit_s,
                  moves ? "" : ", and the server has not closed its side");
    diagnosis_of_silence(x->transport->fd, &err);
    fail(x, &err);
}

static void note_activity(struct exchange *x, struct io io)
{
    if (io.progressed)
        x->last_activity_us = clock_now_us();
}

static void note_sent(struct exchange *x, size_t n)
{
    struct error err;
    x->sent_us = x->last_activity_us;
    if (expect_sent(&x->expect, x->out.data + x->out.start, n, &err) < 0)
        fail(x, &err);
    buf_take(&x->out, n);
    x->sent_bytes += n;
}

/* After a send, or the end of our direction. A failure does not end the exchange: reading may get
 * the reason from the server. A failed send still ends our direction, or the server would wait. */
static unsigned after_sending(struct exchange *x, enum io_status status, const struct error *err)
{
    switch (status) {
    case IO_WANT_READ:
        return WANT_READ;
    case IO_WANT_WRITE:
        return WANT_WRITE;
    case IO_RESET:
    case IO_FAILED:
        if (!x->send_failed)
            x->error = *err;
        x->reset = x->reset || status == IO_RESET;
        x->ended = status == IO_RESET || x->send_failed;
        x->send_failed = true;
        return WANT_NOTHING;
    case IO_OK:
    case IO_EOF:
    case IO_CUT:
        break;
    }
    return WANT_NOTHING;
}

unsigned exchange_send(struct exchange *x)
{
    struct error err = {.alert = -1};
    if (x->ended || x->state != EXCHANGE_OPEN)
        return WANT_NOTHING;

    if (!x->send_failed && (x->flushing || buf_waiting(&x->out))) {
        if (!x->first_sent_us)
            x->first_sent_us =
                clock_now_us(); /* before the write: the echo may arrive before it returns */
        struct io io =
            transport_write(x->transport, x->out.data + x->out.start, buf_waiting(&x->out), &err);
        note_activity(x, io);
        note_sent(x, io.n);
        x->flushing = io.status == IO_WANT_READ || io.status == IO_WANT_WRITE;
        unsigned want = after_sending(x, io.status, &err);
        if (io.status != IO_OK && (x->ended || !x->send_failed))
            return want;
    }

    if (!x->ending && !x->send_failed)
        return WANT_NOTHING;
    struct io io = transport_shutdown(x->transport, &err);
    note_activity(x, io);
    x->ended = io.status == IO_OK;
    return after_sending(x, io.status, &err);
}

static void note_first(struct exchange *x, size_t n)
{
    for (size_t i = 0; i < n && x->received_bytes + i < sizeof x->first; i++)
        x->first[x->received_bytes + i] = x->in.data[i];
}

/* Takes the hello line out of the n bytes that `in` holds. Returns how many are left. */
static size_t take_hello(struct exchange *x, size_t n)
{
    size_t before = x->hello.n, used;
    if (!hello_line_take(&x->hello, x->in.data, n, &used)) {
        note_first(x, n);
        x->received_bytes += n;
        x->state = EXCHANGE_WRONG;
        return 0;
    }
    memcpy(x->hello_text + before, x->in.data, used);
    memmove(x->in.data, x->in.data + used, n - used);
    return n - used;
}

static void note_received(struct exchange *x, size_t n)
{
    n = x->hello.complete ? n : take_hello(x, n);
    if (!n)
        return;
    if (!x->first_echo_us)
        x->first_echo_us = clock_now_us();
    note_first(x, n);
    x->in.end = n;
    x->received_bytes += n;
    x->verdict = expect_received(&x->expect, x->in.data, n);
    if (x->verdict != EXPECT_SAME)
        x->state = EXCHANGE_WRONG;
}

/* An RST, or the kernel has given up. */
static void note_reset(struct exchange *x, const struct error *err)
{
    x->state = EXCHANGE_CUT;
    x->reset = true;
    x->reset_after_us = clock_now_us() - x->sent_us;
    x->given_up = err->code != ECONNRESET && err->code != EPIPE;
    if (!x->given_up)
        return;
    x->error = *err;
    diagnosis_of_silence(x->transport->fd, &x->error);
}

unsigned exchange_receive(struct exchange *x)
{
    struct error err = {.alert = -1};
    if (x->state != EXCHANGE_OPEN || buf_waiting(&x->in))
        return WANT_NOTHING;

    struct io io;
    do { /* again after a hello line alone */
        io = transport_read(x->transport, x->in.data, x->in.size, &err);
        note_activity(x, io);
        if (io.status == IO_OK)
            note_received(x, io.n);
    } while (io.status == IO_OK && x->state == EXCHANGE_OPEN && !buf_waiting(&x->in));
    switch (io.status) {
    case IO_OK:
        return WANT_NOTHING;
    case IO_WANT_READ:
        return WANT_READ;
    case IO_WANT_WRITE:
        return WANT_WRITE;
    case IO_EOF:
        x->state = EXCHANGE_ENDED;
        return WANT_NOTHING;
    case IO_CUT:
        x->state = EXCHANGE_CUT;
        return WANT_NOTHING;
    case IO_RESET:
        note_reset(x, &err);
        return WANT_NOTHING;
    case IO_FAILED:
        fail(x, &err);
        return WANT_NOTHING;
    }
    return WANT_NOTHING;
}

/* The server asked for renegotiation; or it answered plain data with a TLS alert record, RFC 8446
 * §5.1. */
static const char *hint(const struct exchange *x)
{
    struct peer peer;
    if (transport_tls_refused_renegotiation(x->transport))
        return "; the server asked for renegotiation, which is refused (RFC 9325 §3.5)";
    transport_peer(x->transport, &peer);
    if (peer.tls || x->received_bytes < 2 || x->first[0] != 0x15 || x->first[1] != 0x03)
        return "";
    return "; the server answered with a TLS alert: it speaks TLS, add --tls or write tls://";
}

static size_t first_bytes(const struct exchange *x)
{
    return x->received_bytes < sizeof x->first ? (size_t)x->received_bytes : sizeof x->first;
}

/* Our own PROXY header came back, which was sent before the bytes that are compared. */
static bool is_our_proxy_header(const struct exchange *x)
{
    return x->expect.offset_bytes == 0 && proxy_begins(x->first, first_bytes(x));
}

static void judge_wrong_hello(const struct exchange *x, struct outcome *ret)
{
    int n = (int)text_line_length(x->first, first_bytes(x));
    if (n && !x->hello.n)
        outcome_measure(ret, RESULT_CORRUPT,
                        "the server sent \"%.*s\" instead of a hello line; " HELLO_REMEDY "%s", n,
                        (const char *)x->first, hint(x));
    else
        outcome_measure(ret, RESULT_CORRUPT,
                        "what the server sent first is not a hello line; " HELLO_REMEDY "%s",
                        hint(x));
}

static void judge_wrong(const struct exchange *x, struct outcome *ret)
{
    if (!x->hello.complete && !is_our_proxy_header(x)) {
        judge_wrong_hello(x, ret);
        return;
    }
    const struct expect *e = &x->expect;
    bool strange = e->offset_bytes == 0 && !expect_is_upper(e, x->first, first_bytes(x));
    int n = strange ? (int)text_line_length(x->first, first_bytes(x)) : 0;
    if (is_our_proxy_header(x))
        outcome_measure(ret, RESULT_CORRUPT,
                        "our PROXY header came back: the server expects none, leave out "
                        "--proxy-protocol");
    else if (n)
        outcome_measure(ret, RESULT_CORRUPT, "the server sent \"%.*s\" instead of our bytes", n,
                        (const char *)x->first);
    else if (x->verdict == EXPECT_SURPLUS)
        outcome_measure(ret, RESULT_CORRUPT,
                        "byte %" PRIu64 " (0x%02x) came back, but only %" PRIu64 " were sent%s",
                        e->offset_bytes, e->got, x->sent_bytes, hint(x));
    else
        outcome_measure(ret, RESULT_CORRUPT,
                        "byte %" PRIu64 " came back as 0x%02x instead of 0x%02x%s", e->offset_bytes,
                        e->got, e->expected, hint(x));
}

const char *exchange_remedy(const struct exchange *x, const struct outcome *outcome)
{
    bool wrong = x->state == EXCHANGE_WRONG;
    bool ended = (x->state == EXCHANGE_ENDED || x->state == EXCHANGE_CUT) && !x->given_up;
    bool silent = x->state == EXCHANGE_BROKEN && x->error.kind == ERROR_TIMEOUT;
    bool asked = x->sent_bytes > 0; /* without any data an echo server sends nothing either */
    if (outcome->result == RESULT_OK || x->expect.kind == EXPECT_NONE || x->expect.offset_bytes ||
        !x->hello.complete || !(wrong || (asked && (ended || silent))) || *hint(x) ||
        is_our_proxy_header(x))
        return NULL;
    if (wrong && x->expect.kind != EXPECT_HELLO && hello_line_begins(x->first, first_bytes(x)))
        return "it begins with a hello line: add --expect hello";
    if (wrong && expect_is_upper(&x->expect, x->first, first_bytes(x)))
        return "it returns upper case: add --expect upper";
    return wrong ? "it is not an echo server: if that is intended, add --expect none"
                 : "if it is not an echo server, add --expect none";
}

/* How it ended, for the start of a sentence. */
static const char *end_text(const struct exchange *x)
{
    if (x->reset)
        return "the server, or something on the way, reset the connection";
    switch (x->state) {
    case EXCHANGE_OPEN:
        return "interrupted";
    case EXCHANGE_CUT:
        return "the server closed the connection without close_notify";
    case EXCHANGE_ENDED:
    case EXCHANGE_BROKEN:
    case EXCHANGE_WRONG:
        break;
    }
    return "the server closed the connection";
}

/* The result if bytes are missing. An interrupt has the class of what was waited for. */
static enum result early_result(const struct exchange *x)
{
    if (x->reset)
        return RESULT_RESET;
    return x->state == EXCHANGE_OPEN ? RESULT_TIMEOUT : RESULT_TRUNCATED;
}

/* Whether x->error says why it ended. A reset that follows what this host could not send is only a
 * consequence. */
static bool has_reason(const struct exchange *x)
{
    return x->given_up ||
           (x->send_failed && (!x->reset || result_of(PHASE_ECHO, &x->error) == RESULT_LOCAL_IO));
}

/* Nothing is expected: only the way it ended says whether the data is complete. */
static void judge_end_of_anything(const struct exchange *x, bool sent, const char *known,
                                  struct outcome *ret)
{
    if (x->given_up || (!sent && has_reason(x)))
        outcome_fail(ret, PHASE_ECHO, &x->error);
    else if (x->reset)
        outcome_measure(ret, RESULT_RESET, "%s%s", end_text(x), known);
    else if (x->state == EXCHANGE_CUT)
        outcome_measure(ret, RESULT_TRUNCATED,
                        "%s: what it sent may be incomplete; see its log, or look for what cuts "
                        "connections on the way",
                        end_text(x));
}

/* It has ended, and no wrong byte has come back. */
static void judge_end(const struct exchange *x, bool input_left, struct outcome *ret)
{
    char known[DIAGNOSIS_TEXT_BYTES];
    diagnosis_of_end(x->transport->fd, x->reset_after_us, known);
    enum result early = early_result(x);
    size_t missing = expect_missing(&x->expect) + buf_waiting(&x->out);
    if (x->expect.kind == EXPECT_NONE) {
        judge_end_of_anything(x, !missing && !input_left, known, ret);
        return;
    }
    if (!missing && !input_left && x->hello.complete)
        return;
    if (has_reason(x))
        outcome_fail(ret, PHASE_ECHO, &x->error);
    else if (!x->hello.complete)
        outcome_measure(ret, early, "%s before its hello line was complete; " HELLO_REMEDY "%s",
                        end_text(x), known);
    else if (missing)
        outcome_measure(ret, early, "%s with %zu of %" PRIu64 " bytes missing%s%s", end_text(x),
                        missing, x->sent_bytes + buf_waiting(&x->out), hint(x), known);
    else
        outcome_measure(ret, early, "%s before the input had ended%s", end_text(x), known);
}

void exchange_judge(const struct exchange *x, bool input_left, struct outcome *ret)
{
    *ret = (struct outcome){.result = RESULT_OK, .phase = PHASE_ECHO, .error = {.alert = -1}};
    switch (x->state) {
    case EXCHANGE_WRONG:
        judge_wrong(x, ret);
        return;
    case EXCHANGE_BROKEN:
        outcome_fail(ret, PHASE_ECHO, &x->error);
        return;
    case EXCHANGE_OPEN: /* ended by us */
    case EXCHANGE_ENDED:
    case EXCHANGE_CUT:
        judge_end(x, input_left, ret);
        return;
    }
}
