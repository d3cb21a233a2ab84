/* SPDX-License-Identifier: MIT */
/* HTTP/1.0 and 1.1: every request is answered with what arrived (docs/schema/http.json). */
#include <stdlib.h>
#include <string.h>

#include "http_answer.h"
#include "tlsecho/server/conn_end.h"
#include "tlsecho/server/service.h"
#include "tlsecho/tls/tls_sha256.h"

enum { HEAD_BYTES_MAX = 16384, HEAD_BYTES_FIRST = 1024, EMPTY_LINE_BYTES = 2 };

static const char continues[] = "HTTP/1.1 100 Continue\r\n\r\n";

enum phase { READING_HEAD, SENDING_CONTINUE, READING_BODY, ANSWERING, OVER };

struct service_talk {
    enum phase phase;
    struct http_scan scan;
    char *head; /* as it arrived, until the request is answered; NULL = no byte yet */
    size_t head_bytes, head_size;
    struct http_head request;
    struct http_body body;
    struct tls_sha256 *hash; /* of the body */
    char sha256[TLS_SHA256_TEXT_BYTES];
    enum http_status status; /* of the answer */
    const char *reason;      /* of a refusal */
    enum conn_end end;       /* how the connection ends, if it is over */
    bool last;               /* the connection is over after this answer */
    struct http_answer *answer;
    uint64_t sent; /* bytes of the answer, or of 100 Continue */
};

static struct service_talk *start(void)
{
    return calloc(1, sizeof(struct service_talk));
}

static void forget_request(struct service_talk *t)
{
    http_answer_free(t->answer);
    free(t->head);
    t->answer = NULL;
    t->head = NULL;
    t->head_bytes = t->head_size = 0;
    t->scan = (struct http_scan){0};
    t->phase = READING_HEAD;
}

static void talk_free(struct service_talk *t)
{
    if (!t)
        return;
    forget_request(t);
    tls_sha256_free(t->hash);
    free(t);
}

/* A head begins with its first byte. One empty line may precede it, which some clients send after
 * a body (RFC 9112 §2.2); a second one is part of a head, whose time would never begin otherwise.
 */
static bool has_begun(const struct service_talk *t)
{
    return t->head_bytes > (t->scan.first <= EMPTY_LINE_BYTES ? t->scan.first : 0);
}

static enum service_next next(const struct service_talk *t)
{
    switch (t->phase) {
    case READING_HEAD:
        return has_begun(t) ? SERVICE_READS_HEAD : SERVICE_WAITS;
    case READING_BODY:
        return SERVICE_READS_BODY;
    case SENDING_CONTINUE:
    case ANSWERING:
        return SERVICE_WRITES;
    case OVER:
        break;
    }
    return SERVICE_ENDS;
}

static void fail(struct service_talk *t)
{
    t->reason = "no memory for a request";
    t->end = CONN_END_FAILED;
    t->phase = OVER;
}

static void answer(struct service_talk *t)
{
    tls_sha256_take(t->hash, t->sha256);
    t->status = HTTP_OK;
    t->end = CONN_END_FINISHED;
    t->last = !t->request.keep_alive;
    t->sent = 0;
    t->phase = ANSWERING;
}

static void refuse(struct service_talk *t, enum http_status status, const char *reason)
{
    t->status = status;
    t->reason = reason;
    t->end = CONN_END_REQUEST;
    t->last = true;
    t->sent = 0;
    t->phase = ANSWERING;
}

static bool append(struct service_talk *t, const unsigned char *data, size_t n)
{
    size_t size = t->head_size ? t->head_size : HEAD_BYTES_FIRST;
    while (size < t->head_bytes + n)
        size *= 2;
    if (size > t->head_size) {
        char *larger = realloc(t->head, size);
        if (!larger)
            return false;
        t->head = larger;
        t->head_size = size;
    }
    memcpy(t->head + t->head_bytes, data, n);
    t->head_bytes += n;
    return true;
}

static void begin_body(struct service_talk *t)
{
    if (!t->hash && !(t->hash = tls_sha256_new())) {
        fail(t);
        return;
    }
    http_body_init(&t->body, &t->request);
    t->sent = 0;
    if (t->body.state == HTTP_BODY_DONE)
        answer(t);
    else
        t->phase = t->request.expects_continue ? SENDING_CONTINUE : READING_BODY;
}

static void examine_head(struct service_talk *t)
{
    const struct http_span bytes = {t->head, t->head_bytes};
    const char *reason = NULL;
    enum http_status status = http_head_read(&t->scan, bytes, HEAD_BYTES_MAX, &t->request, &reason);
    if (status == HTTP_OK)
        begin_body(t);
    else if (status != HTTP_MORE)
        refuse(t, status, reason);
}

/* Line by line: what follows the head stays where it is. */
static size_t take_head(struct service_talk *t, const unsigned char *data, size_t n)
{
    const unsigned char *end = memchr(data, '\n', n);
    size_t part = end ? (size_t)(end - data) + 1 : n, room = HEAD_BYTES_MAX - t->head_bytes;
    if (part > room)
        part = room;
    if (append(t, data, part))
        examine_head(t);
    else
        fail(t);
    return part;
}

static size_t take_body(struct service_talk *t, const unsigned char *data, size_t n)
{
    struct http_span bytes = {(const char *)data, n}, part;
    enum http_status status = HTTP_MORE;
    const char *reason = NULL;
    while (status == HTTP_MORE && bytes.size > 0) {
        status = http_body_take(&t->body, &bytes, &part, &reason);
        tls_sha256_add(t->hash, part.at, part.size);
    }
    if (status == HTTP_OK)
        answer(t);
    else if (status != HTTP_MORE)
        refuse(t, status, reason);
    return n - bytes.size;
}

static size_t take(struct service_talk *t, const unsigned char *data, size_t n)
{
    size_t used = 0;
    while (used < n && (t->phase == READING_HEAD || t->phase == READING_BODY))
        used += t->phase == READING_HEAD ? take_head(t, data + used, n - used)
                                         : take_body(t, data + used, n - used);
    return used;
}

static size_t write_continue(struct service_talk *t, const struct service_output *output)
{
    size_t left = sizeof continues - 1 - (size_t)t->sent;
    size_t n = left < output->size ? left : output->size;
    memcpy(output->data, continues + t->sent, n);
    t->sent += n;
    if (n == left)
        t->phase = READING_BODY;
    return n;
}

static bool begin_answer(struct service_talk *t, const struct service_output *output)
{
    bool refused = t->status != HTTP_OK;
    t->last = t->last || output->last;
    const struct http_answer_plan plan = {
        .status = t->status,
        .reason = t->reason,
        .request = refused ? NULL : &t->request,
        .body_bytes = t->body.bytes,
        .sha256 = t->sha256,
        .head_only = http_scan_is_head(&t->scan, (struct http_span){t->head, t->head_bytes}),
        .last = t->last,
        .info = output->info,
    };
    t->answer = http_answer_new(&plan);
    return t->answer;
}

static size_t write_answer(struct service_talk *t, const struct service_output *output)
{
    if (!t->answer && !begin_answer(t, output)) {
        fail(t);
        return 0;
    }
    size_t n = http_answer_write(t->answer, t->sent, output->data, output->size);
    t->sent += n;
    if (t->sent < http_answer_bytes(t->answer))
        return n;
    bool last = t->last;
    forget_request(t);
    if (last)
        t->phase = OVER;
    return n;
}

static size_t talk_write(struct service_talk *t, const struct service_output *output)
{
    return t->phase == SENDING_CONTINUE ? write_continue(t, output) : write_answer(t, output);
}

static void cut(struct service_talk *t, enum service_cut how)
{
    switch (how) {
    case SERVICE_CUT_ENDED:
        refuse(t, HTTP_BAD_REQUEST, "the client ended before its request did");
        break;
    case SERVICE_CUT_LATE:
        refuse(t, HTTP_REQUEST_TIMEOUT, "the request was not complete in time");
        t->end = CONN_END_REQUEST_TIMEOUT;
        break;
    }
}

static enum conn_end end(const struct service_talk *t, struct error *err)
{
    if (t->end == CONN_END_FAILED)
        error_set(err, ERROR_SYSTEM, "%s", t->reason);
    else if (t->end != CONN_END_FINISHED)
        error_set(err, ERROR_INPUT, "%d %s: %s", (int)t->status, http_reason(t->status), t->reason);
    return t->end;
}

static const struct service_requests requests = {
    .start = start,
    .free = talk_free,
    .next = next,
    .take = take,
    .write = talk_write,
    .cut = cut,
    .end = end,
};

static const char *const protocols[] = {"http/1.1", "http/1.0", NULL};

const struct service service_http = {
    .name = "http",
    .requests = &requests,
    .alpn = protocols,
    .wants_info = true,
};
