/* SPDX-License-Identifier: MIT */
/* The body of a request: a length, or chunks (RFC 9112 §6, §7.1). */
#include "http_text.h"

void http_body_init(struct http_body *body, const struct http_head *head)
{
    *body = (struct http_body){.state = HTTP_BODY_LENGTH, .left = head->content_length};
    if (head->chunked)
        body->state = HTTP_BODY_SIZE;
    else if (body->left == 0)
        body->state = HTTP_BODY_DONE;
}

static enum http_status refuse(enum http_status status, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return status;
}

static enum http_status bad(const char *reason, const char **ret_reason)
{
    return refuse(HTTP_BAD_REQUEST, reason, ret_reason);
}

static void take_data(struct http_body *body, struct http_span *bytes, struct http_span *ret_data)
{
    size_t n = body->left < bytes->size ? (size_t)body->left : bytes->size;
    *ret_data = (struct http_span){bytes->at, n};
    *bytes = (struct http_span){bytes->at + n, bytes->size - n};
    body->left -= n;
    body->bytes += n;
    if (body->left == 0)
        body->state = body->state == HTTP_BODY_CHUNK ? HTTP_BODY_CHUNK_CR : HTTP_BODY_DONE;
}

/* The value of a digit in hexadecimal; -1 = it is none. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_control(unsigned char c)
{
    return (c < ' ' && c != '\t') || c == 0x7f;
}

static enum http_status read_size(struct http_body *body, char c, const char **ret_reason)
{
    int digit = digit_of(c);
    if (digit >= 0) {
        uint64_t most = INT64_MAX - body->bytes, value = (uint64_t)digit;
        if (++body->digits > HTTP_CHUNK_LINE_BYTES_MAX)
            return bad("the size of a chunk has too many digits", ret_reason);
        if (value > most || body->left > (most - value) / 16)
            return refuse(HTTP_CONTENT_TOO_LARGE, "a chunk is too large", ret_reason);
        body->left = 16 * body->left + value;
        return HTTP_MORE;
    }
    if (body->digits == 0)
        return bad("a chunk does not begin with its size", ret_reason);
    body->line_bytes = 0;
    if (c == '\r')
        body->state = HTTP_BODY_SIZE_LF;
    else if (c == ';')
        body->state = HTTP_BODY_EXTENSION;
    else if (c == ' ' || c == '\t')
        body->state = HTTP_BODY_BLANK;
    else
        return bad("the size of a chunk is not a number", ret_reason);
    return HTTP_MORE;
}

/* White space that only a semicolon may follow, or what follows that. Both are ignored. */
static enum http_status read_extension(struct http_body *body, char c, const char **ret_reason)
{
    if (++body->line_bytes > HTTP_CHUNK_LINE_BYTES_MAX)
        return bad("the extension of a chunk is too long", ret_reason);
    if (body->state == HTTP_BODY_BLANK) {
        if (c == ';')
            body->state = HTTP_BODY_EXTENSION;
        else if (c != ' ' && c != '\t')
            return bad("the size of a chunk is not a number", ret_reason);
    } else if (c == '\r') {
        body->state = HTTP_BODY_SIZE_LF;
    } else if (is_control((unsigned char)c)) {
        return bad("a control character in the extension of a chunk", ret_reason);
    }
    return HTTP_MORE;
}

static enum http_status end_size(struct http_body *body, char c, const char **ret_reason)
{
    if (c != '\n')
        return bad("the size of a chunk does not end in CR LF", ret_reason);
    body->digits = 0;
    body->state = body->left > 0 ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILER;
    return HTTP_MORE;
}

static enum http_status end_chunk(struct http_body *body, char c, const char **ret_reason)
{
    bool cr = body->state == HTTP_BODY_CHUNK_CR;
    if (c != (cr ? '\r' : '\n'))
        return bad("the data of a chunk does not end in CR LF", ret_reason);
    body->state = cr ? HTTP_BODY_CHUNK_LF : HTTP_BODY_SIZE;
    return HTTP_MORE;
}

static enum http_status read_trailer(struct http_body *body, char c, const char **ret_reason)
{
    bool begins = body->state == HTTP_BODY_TRAILER;
    bool in_name = body->state == HTTP_BODY_TRAILER_NAME;
    if (begins && c == '\r')
        body->state = HTTP_BODY_LAST_LF;
    else if ((begins || in_name) && http_text_is_token_char((unsigned char)c))
        body->state = HTTP_BODY_TRAILER_NAME;
    else if (in_name && c == ':')
        body->state = HTTP_BODY_TRAILER_VALUE;
    else if (begins || in_name)
        return bad("a trailer is not NAME: VALUE", ret_reason);
    else if (c == '\r')
        body->state = HTTP_BODY_TRAILER_LF;
    else if (is_control((unsigned char)c))
        return bad("a control character in a trailer", ret_reason);
    return HTTP_MORE;
}

static enum http_status end_trailer(struct http_body *body, char c, const char **ret_reason)
{
    bool last = body->state == HTTP_BODY_LAST_LF;
    if (c != '\n')
        return bad("a trailer does not end in CR LF", ret_reason);
    body->state = last ? HTTP_BODY_DONE : HTTP_BODY_TRAILER;
    return HTTP_MORE;
}

/* A byte between the parts of the body. */
static enum http_status take_byte(struct http_body *body, char c, const char **ret_reason)
{
    if (body->state >= HTTP_BODY_TRAILER && ++body->trailer_bytes > HTTP_TRAILER_BYTES_MAX)
        return refuse(HTTP_HEAD_TOO_LARGE, "the trailers are too large", ret_reason);
    switch (body->state) {
    case HTTP_BODY_SIZE:
        return read_size(body, c, ret_reason);
    case HTTP_BODY_BLANK:
    case HTTP_BODY_EXTENSION:
        return read_extension(body, c, ret_reason);
    case HTTP_BODY_SIZE_LF:
        return end_size(body, c, ret_reason);
    case HTTP_BODY_CHUNK_CR:
    case HTTP_BODY_CHUNK_LF:
        return end_chunk(body, c, ret_reason);
    case HTTP_BODY_TRAILER:
    case HTTP_BODY_TRAILER_NAME:
    case HTTP_BODY_TRAILER_VALUE:
        return read_trailer(body, c, ret_reason);
    case HTTP_BODY_TRAILER_LF:
    case HTTP_BODY_LAST_LF:
        return end_trailer(body, c, ret_reason);
    case HTTP_BODY_LENGTH:
    case HTTP_BODY_CHUNK:
    case HTTP_BODY_DONE:
        break;
    }
    return HTTP_OK;
}

enum http_status http_body_take(struct http_body *body, struct http_span *bytes,
                                struct http_span *ret_data, const char **ret_reason)
{
    *ret_data = (struct http_span){bytes->at, 0};
    while (bytes->size > 0 && body->state != HTTP_BODY_DONE) {
        if (body->state == HTTP_BODY_LENGTH || body->state == HTTP_BODY_CHUNK) {
            take_data(body, bytes, ret_data);
            break;
        }
        bytes->size--;
        enum http_status status = take_byte(body, *bytes->at++, ret_reason);
        if (status != HTTP_MORE)
            return status;
    }
    return body->state == HTTP_BODY_DONE ? HTTP_OK : HTTP_MORE;
}
