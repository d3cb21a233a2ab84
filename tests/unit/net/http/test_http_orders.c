/* SPDX-License-Identifier: MIT */
/*
 * A request in any pieces: after each of its bytes the parser is in one state, however they came,
 * so that all splits give the same head, the same body and the same refusal.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "explore.h"
#include "suite.h"
#include "tlsecho/net/http.h"

enum { HEAD_BYTES_MAX = 200 };

#define LAST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static const char *const messages[] = {
    "GET /a?b HTTP/1.1\r\nHost: example.org:80\r\nAccept: text/html\r\n\r\n" LAST,
    "\r\nHEAD http://a/b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" LAST,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world" LAST,
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x=\"y\"\r\nhello\r\n00a\r\n, you all!\r\n0\r\nTrail: er\r\n\r\n" LAST,
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
    "chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02\x05\x01",
};

struct parsed {
    bool in_body, done;
    enum http_status status;
    const char *reason;
    struct http_scan scan;
    struct http_head head;
    struct http_body body;
    size_t used; /* bytes of this message */
    char text[64];
    size_t text_bytes;
};

static const char *message;
static size_t message_bytes;
static size_t fed;
static struct parsed now, whole;

static void read_head(struct parsed *p, size_t n)
{
    p->status = http_head_read(&p->scan, (struct http_span){message, n}, HEAD_BYTES_MAX, &p->head,
                               &p->reason);
    if (p->status != HTTP_OK)
        return;
    http_body_init(&p->body, &p->head);
    p->used = p->head.bytes;
    p->in_body = true;
    p->done = p->body.state == HTTP_BODY_DONE;
}

static void read_body(struct parsed *p, size_t n)
{
    struct http_span bytes = {message + p->used, n - p->used}, part;
    p->status = HTTP_MORE;
    while (p->status == HTTP_MORE && bytes.size > 0) {
        p->status = http_body_take(&p->body, &bytes, &part, &p->reason);
        if (p->text_bytes + part.size > sizeof p->text)
            ck_abort_msg("a longer body than expected");
        memcpy(p->text + p->text_bytes, part.at, part.size);
        p->text_bytes += part.size;
    }
    p->used = n - bytes.size;
    p->done = p->status == HTTP_OK;
}

static bool is_refused(const struct parsed *p)
{
    return p->status != HTTP_MORE && p->status != HTTP_OK;
}

/* As the server does: a head is offered line by line, so that none of the body comes with it. */
static void feed(struct parsed *p, size_t from, size_t to)
{
    for (size_t at = from; at < to && !p->in_body && !is_refused(p);) {
        const char *end = memchr(message + at, '\n', to - at);
        at = end ? (size_t)(end - message) + 1 : to;
        if (at > HEAD_BYTES_MAX)
            at = HEAD_BYTES_MAX;
        read_head(p, at);
        p->used = at;
    }
    if (p->in_body && !p->done && p->used < to)
        read_body(p, to);
}

static void reset(void)
{
    fed = 0;
    now = (struct parsed){.status = HTTP_MORE};
}

static bool over(void)
{
    return fed == message_bytes || now.done || is_refused(&now);
}

static bool same_span(struct http_span a, struct http_span b)
{
    return a.at == b.at && a.size == b.size;
}

static bool same_head(const struct http_head *a, const struct http_head *b)
{
    return a->bytes == b->bytes && a->minor == b->minor && same_span(a->method, b->method) &&
           same_span(a->target, b->target) && same_span(a->fields, b->fields) &&
           same_span(a->host, b->host) && a->keep_alive == b->keep_alive &&
           a->expects_continue == b->expects_continue && a->chunked == b->chunked &&
           a->content_length == b->content_length;
}

static void check(struct explore *x)
{
    if (!now.done && !is_refused(&now)) {
        explore_require(x, fed < message_bytes || (!whole.done && !is_refused(&whole)),
                        "what is whole is recognized");
        return;
    }
    explore_require(x, now.status == whole.status && now.reason == whole.reason,
                    "the result is the same");
    explore_require(x, !now.done || now.used == whole.used, "it ends at the same byte");
    explore_require(
        x, now.text_bytes == whole.text_bytes && memcmp(now.text, whole.text, now.text_bytes) == 0,
        "the body is the same");
    explore_require(x, !now.in_body || same_head(&now.head, &whole.head), "the head is the same");
}

static void step(struct explore *x)
{
    size_t left = message_bytes - fed;
    unsigned n = 1 + explore_choose(x, "bytes less one", NULL, (unsigned)(left < 255 ? left : 255));
    feed(&now, fed, fed + n);
    fed += n;
    check(x);
}

static uint64_t state(void)
{
    const uint64_t values[] = {now.status,
                               now.in_body,
                               now.done,
                               now.scan.seen,
                               now.scan.line,
                               now.scan.first,
                               now.scan.has_first,
                               now.body.state,
                               now.body.left,
                               now.body.bytes,
                               now.body.digits,
                               now.body.line_bytes,
                               now.body.trailer_bytes,
                               now.text_bytes};
    uint64_t hash = over() ? 0 : fed;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        hash = explore_hash(hash, values[i]);
    return hash;
}

START_TEST(a_request_in_any_pieces)
{
    struct explore_result result;
    const struct explore_machine machine = {
        .name = "http", .reset = reset, .step = step, .over = over, .state = state};
    message = messages[_i];
    message_bytes = strlen(message);
    whole = (struct parsed){.status = HTTP_MORE};
    feed(&whole, 0, message_bytes);
    explore_run(&machine, &result);
    printf("http, message %d: %zu bytes, %zu states, %zu transitions\n", _i, message_bytes,
           result.states, result.transitions);
    ck_assert_msg(!result.failed, "message %d:%s", _i, result.failure);
    ck_assert_uint_le(result.states, message_bytes + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_orders");
    TCase *tcase = tcase_create("every split");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_request_in_any_pieces, 0, sizeof messages / sizeof *messages);
    return suite_run(suite);
}
