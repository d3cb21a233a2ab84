/* SPDX-License-Identifier: MIT */
/* The head of a request: request line and fields (RFC 9112 §3, §5, §6.3). */
#include <string.h>

#include "http_text.h"

static enum http_status refuse(enum http_status status, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return status;
}

static enum http_status bad(const char *reason, const char **ret_reason)
{
    return refuse(HTTP_BAD_REQUEST, reason, ret_reason);
}

/* Visible characters. A fragment stays with the client: RFC 9110 §7.1. */
static bool is_target(struct http_span span)
{
    for (size_t i = 0; i < span.size; i++)
        if (span.at[i] < '!' || span.at[i] > '~' || span.at[i] == '#')
            return false;
    return span.size > 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 §2.3: "HTTP/", a digit, a point and a digit. */
static enum http_status parse_version(struct http_span span, struct http_head *ret,
                                      const char **ret_reason)
{
    if (span.size != 8 || memcmp(span.at, "HTTP/", 5) != 0 || !is_digit(span.at[5]) ||
        span.at[6] != '.' || !is_digit(span.at[7]))
        return bad("the request line does not end in HTTP/1.1", ret_reason);
    if (span.at[5] != '1')
        return refuse(HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are supported",
                      ret_reason);
    ret->minor = span.at[7] - '0';
    return HTTP_OK;
}

/* RFC 9112 §3.2: the forms of a target. CONNECT, with the fourth one, would make a tunnel. */
static bool has_form(const struct http_head *head)
{
    struct http_span authority;
    return head->target.at[0] == '/' || http_target_authority(head->target, &authority) ||
           (http_equals(head->target, "*") && http_equals(head->method, "OPTIONS"));
}

static enum http_status parse_request_line(struct http_span line, struct http_head *ret,
                                           const char **ret_reason)
{
    if (!http_text_split(&line, ' ', &ret->method) || !http_text_is_token(ret->method))
        return bad("the request line does not begin with a method and a space", ret_reason);
    if (!http_text_split(&line, ' ', &ret->target) || !is_target(ret->target))
        return bad("the request line is not METHOD TARGET HTTP/1.1 with single spaces and no #",
                   ret_reason);
    enum http_status status = parse_version(line, ret, ret_reason);
    if (status != HTTP_OK)
        return status;
    if (http_equals(ret->method, "CONNECT"))
        return refuse(HTTP_NOT_IMPLEMENTED, "CONNECT is not supported: this is no proxy",
                      ret_reason);
    return has_form(ret) ? HTTP_OK : bad("the target does not begin with / or http://", ret_reason);
}

/* What the fields say, while they are read. */
struct fields {
    unsigned hosts;
    bool has_length, has_coding, close, keep_alive;
    struct http_span host;
    unsigned codings, chunked; /* how many codings, and whether the last one is chunked */
};

/* RFC 9112 §6.3: repeated values must be equal. */
static enum http_status read_length(struct http_span value, struct fields *f, struct http_head *ret,
                                    const char **ret_reason)
{
    struct http_span entry;
    bool any = false;
    while (http_text_next_entry(&value, &entry)) {
        uint64_t length = 0;
        for (size_t i = 0; i < entry.size; i++) {
            if (!is_digit(entry.at[i]))
                return bad("Content-Length is not a number", ret_reason);
            uint64_t digit = (uint64_t)(entry.at[i] - '0');
            if (length > (INT64_MAX - digit) / 10)
                return refuse(HTTP_CONTENT_TOO_LARGE, "Content-Length is too large", ret_reason);
            length = 10 * length + digit;
        }
        if (f->has_length && length != ret->content_length)
            return bad("Content-Length is repeated with another value", ret_reason);
        ret->content_length = length;
        any = f->has_length = true;
    }
    return any ? HTTP_OK : bad("Content-Length is not a number", ret_reason);
}

static void read_codings(struct http_span value, struct fields *f)
{
    struct http_span entry;
    f->has_coding = true;
    while (http_text_next_entry(&value, &entry)) {
        f->codings++;
        f->chunked = http_equals_nocase(entry, "chunked");
    }
}

static void read_connection(struct http_span value, struct fields *f)
{
    struct http_span entry;
    while (http_text_next_entry(&value, &entry)) {
        f->close = f->close || http_equals_nocase(entry, "close");
        f->keep_alive = f->keep_alive || http_equals_nocase(entry, "keep-alive");
    }
}

static enum http_status read_field(struct http_span name, struct http_span value, struct fields *f,
                                   struct http_head *ret, const char **ret_reason)
{
    if (http_equals_nocase(name, "Host")) {
        f->hosts++;
        f->host = value;
    } else if (http_equals_nocase(name, "Content-Length")) {
        return read_length(value, f, ret, ret_reason);
    } else if (http_equals_nocase(name, "Transfer-Encoding")) {
        read_codings(value, f);
    } else if (http_equals_nocase(name, "Connection")) {
        read_connection(value, f);
    } else if (http_equals_nocase(name, "Expect")) {
        if (!http_equals_nocase(value, "100-continue"))
            return refuse(HTTP_EXPECTATION_FAILED, "Expect is not 100-continue", ret_reason);
        ret->expects_continue = ret->minor > 0;
    }
    return HTTP_OK;
}

/* RFC 9112 §6.1, §6.3: whatever could make two programs disagree on the end of the body. */
static enum http_status check_framing(const struct fields *f, struct http_head *ret,
                                      const char **ret_reason)
{
    if (!f->has_coding)
        return HTTP_OK;
    if (f->has_length)
        return bad("both Content-Length and Transfer-Encoding are there", ret_reason);
    if (ret->minor == 0)
        return bad("HTTP/1.0 has no Transfer-Encoding", ret_reason);
    if (!f->chunked)
        return bad("the last Transfer-Encoding is not chunked", ret_reason);
    if (f->codings > 1)
        return refuse(HTTP_NOT_IMPLEMENTED, "only the Transfer-Encoding chunked is supported",
                      ret_reason);
    ret->chunked = true;
    return HTTP_OK;
}

/* RFC 9112 §3.2: since HTTP/1.1 there is one. An absolute target has the host itself. */
static enum http_status check_host(const struct fields *f, struct http_head *ret,
                                   const char **ret_reason)
{
    if (f->hosts > 1)
        return bad("there is more than one Host", ret_reason);
    if (f->hosts == 0 && ret->minor > 0)
        return bad("there is no Host", ret_reason);
    if (f->hosts == 1 && !http_host_is_valid(f->host))
        return bad("Host is empty or malformed", ret_reason);
    if (!http_target_authority(ret->target, &ret->host))
        ret->host = f->host;
    else if (!http_host_is_valid(ret->host))
        return bad("the host of the target is empty or malformed", ret_reason);
    return HTTP_OK;
}

static enum http_status parse_fields(struct http_head *ret, const char **ret_reason)
{
    struct fields f = {.hosts = 0};
    struct http_span rest = ret->fields, line, name;
    while (http_text_split(&rest, '\n', &line)) {
        line.size--; /* CR */
        if (!http_text_split(&line, ':', &name) || !http_text_is_token(name))
            return bad("a field is not NAME: VALUE, without a space before the colon or the name",
                       ret_reason);
        enum http_status status = read_field(name, http_text_trim(line), &f, ret, ret_reason);
        if (status != HTTP_OK)
            return status;
    }
    enum http_status status = check_framing(&f, ret, ret_reason);
    if (status == HTTP_OK)
        status = check_host(&f, ret, ret_reason);
    ret->keep_alive = !f.close && (ret->minor > 0 || f.keep_alive);
    return status;
}

/* RFC 9112 §2.2: lines end in CRLF. Control characters are refused at once, or a client that does
 * not use HTTP would wait for a time-out. */
static bool is_bad(struct http_span bytes, size_t i)
{
    unsigned char c = (unsigned char)bytes.at[i];
    if (i > 0 && bytes.at[i - 1] == '\r')
        return c != '\n';
    return (c < ' ' && c != '\t' && c != '\r') || c == 0x7f;
}

/* A line ends before the CR at `end`. HTTP_OK: it was the empty one. */
static enum http_status end_line(struct http_scan *scan, struct http_span bytes, size_t end,
                                 const char **ret_reason)
{
    struct http_head ignored;
    const struct http_span line = {bytes.at + scan->line, end - scan->line};
    scan->line = end + 2;
    if (scan->has_first)
        return line.size == 0 ? HTTP_OK : HTTP_MORE;
    if (line.size == 0) {
        scan->first = scan->line; /* RFC 9112 §2.2: empty lines before a request are ignored */
        return HTTP_MORE;
    }
    enum http_status status = parse_request_line(line, &ignored, ret_reason);
    scan->has_first = status == HTTP_OK;
    return scan->has_first ? HTTP_MORE : status;
}

/* Up to the empty line. */
static enum http_status find_end(struct http_scan *scan, struct http_span bytes, size_t max_bytes,
                                 const char **ret_reason)
{
    size_t limit = bytes.size < max_bytes ? bytes.size : max_bytes;
    while (scan->seen < limit) {
        size_t i = scan->seen++;
        if (is_bad(bytes, i))
            return bad("a control character, or a line that does not end in CR LF", ret_reason);
        if (bytes.at[i] != '\n')
            continue;
        enum http_status status = end_line(scan, bytes, i - 1, ret_reason);
        if (status != HTTP_MORE)
            return status;
    }
    if (limit < max_bytes)
        return HTTP_MORE;
    return scan->has_first
               ? refuse(HTTP_HEAD_TOO_LARGE, "the head of the request is too large", ret_reason)
               : refuse(HTTP_URI_TOO_LONG, "the request line is too long", ret_reason);
}

enum http_status http_head_read(struct http_scan *scan, struct http_span bytes, size_t max_bytes,
                                struct http_head *ret, const char **ret_reason)
{
    enum http_status status = find_end(scan, bytes, max_bytes, ret_reason);
    if (status != HTTP_OK)
        return status;
    struct http_head head = {.bytes = scan->seen};
    struct http_span rest = {bytes.at + scan->first, scan->seen - scan->first - 2}, line;
    http_text_split(&rest, '\n', &line);
    line.size--; /* CR */
    parse_request_line(line, &head, ret_reason);
    head.fields = rest;
    status = parse_fields(&head, ret_reason);
    if (status == HTTP_OK)
        *ret = head;
    return status;
}

bool http_scan_is_head(const struct http_scan *scan, struct http_span bytes)
{
    static const char start[] = "HEAD ";
    const size_t n = sizeof start - 1;
    return bytes.size >= scan->first + n && memcmp(bytes.at + scan->first, start, n) == 0;
}
