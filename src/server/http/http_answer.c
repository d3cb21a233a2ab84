/* SPDX-License-Identifier: MIT */
#include "http_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_page.h"
#include "tlsecho/base/json.h"
#include "tlsecho/server/report.h"

enum { HEAD_BYTES = 1024, DATE_BYTES = 32, TEXT_BYTES = 16384 + 1 };

struct http_answer {
    struct http_answer_plan plan;
    struct conn_info info;
    bool html;
    char head[HEAD_BYTES];
    size_t head_bytes;
    uint64_t body_bytes;
};

/* A part of the request, which is no longer than its head. */
static const char *text_of(struct http_span span, char ret[TEXT_BYTES])
{
    memcpy(ret, span.at, span.size);
    ret[span.size] = '\0';
    return ret;
}

static void put_headers(struct json *json, struct http_span fields)
{
    struct http_span name, value;
    char name_text[TEXT_BYTES], value_text[TEXT_BYTES];
    json_open_pairs(json, "headers");
    while (http_field_next(&fields, &name, &value))
        json_pair(json, text_of(name, name_text), text_of(value, value_text));
    json_close_pairs(json);
}

static void put_request(struct json *json, const struct http_answer_plan *plan)
{
    const struct http_head *request = plan->request;
    char text[TEXT_BYTES];
    json_open(json, "request");
    json_text(json, "method", text_of(request->method, text));
    json_text(json, "target", text_of(request->target, text));
    snprintf(text, sizeof text, "HTTP/1.%d", request->minor);
    json_text(json, "version", text);
    put_headers(json, request->fields);
    json_open(json, "body");
    json_number(json, "bytes", plan->body_bytes);
    json_text(json, "sha256", plan->sha256);
    json_close(json);
    json_close(json);
}

static void put_values(struct json *json, const struct http_answer *a)
{
    json_open(json, NULL);
    put_request(json, &a->plan);
    report_put(json, &a->info);
    json_close(json);
}

static void put_body(struct json *json, const struct http_answer *a)
{
    if (!a->plan.request) {
        json_raw(json, a->plan.reason);
        json_newline(json);
    } else if (a->html) {
        json_raw(json, http_page_start);
        put_values(json, a);
        json_raw(json, http_page_end);
    } else {
        put_values(json, a);
        json_newline(json);
    }
}

static void begin_body(struct json *json, const struct http_answer *a, void *data, size_t size,
                       uint64_t skip)
{
    if (a->html)
        json_begin_html(json, data, size, skip);
    else
        json_begin(json, data, size, skip);
}

/* The same output, into no window. */
static uint64_t measure_body(const struct http_answer *a)
{
    struct json json;
    char none[1];
    begin_body(&json, a, none, 0, UINT64_MAX);
    put_body(&json, a);
    return UINT64_MAX - json.skip;
}

/* RFC 9110 §5.6.7 */
static void date_text(char ret[DATE_BYTES])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(ret, DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

static const char *connection_of(const struct http_answer_plan *plan)
{
    if (plan->last)
        return "Connection: close\r\n";
    return plan->request->minor == 0 ? "Connection: keep-alive\r\n" : "";
}

/* What arrived is shown and never interpreted: no type is guessed, nothing is run or stored. */
static void write_head(struct http_answer *a)
{
    char date[DATE_BYTES];
    date_text(date);
    a->body_bytes = measure_body(a);
    const char *type = !a->plan.request ? "text/plain; charset=utf-8"
                       : a->html        ? "text/html; charset=utf-8"
                                        : "application/json";
    a->head_bytes = (size_t)snprintf(
        a->head, sizeof a->head,
        "HTTP/1.1 %d %s\r\n"
        "Date: %s\r\n"
        "Content-Type: %s\r\n"
        "Content-Length: %" PRIu64 "\r\n"
        "%s"
        "Cache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; style-src '" HTTP_PAGE_STYLE_HASH
        "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "Vary: Accept\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "\r\n",
        (int)a->plan.status, http_reason(a->plan.status), date, type, a->body_bytes,
        connection_of(&a->plan));
}

struct http_answer *http_answer_new(const struct http_answer_plan *plan)
{
    struct http_answer *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->plan = *plan;
    a->info = *plan->info;
    a->html = plan->request && http_prefers_html(plan->request);
    write_head(a);
    return a;
}

void http_answer_free(struct http_answer *answer)
{
    free(answer);
}

uint64_t http_answer_bytes(const struct http_answer *answer)
{
    return answer->head_bytes + (answer->plan.head_only ? 0 : answer->body_bytes);
}

size_t http_answer_write(const struct http_answer *answer, uint64_t offset, unsigned char *data,
                         size_t size)
{
    size_t n = 0;
    if (offset < answer->head_bytes) {
        size_t left = answer->head_bytes - (size_t)offset;
        n = left < size ? left : size;
        memcpy(data, answer->head + offset, n);
    }
    if (n == size || answer->plan.head_only)
        return n;
    struct json json;
    begin_body(&json, answer, data + n, size - n, offset + n - answer->head_bytes);
    put_body(&json, answer);
    return n + json.n;
}
