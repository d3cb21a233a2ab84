/* SPDX-License-Identifier: MIT */
/*
 * The parser for HTTP/1 requests (RFC 9112, RFC 9110). It is strict: what programs are
 * known to understand differently, and what is not HTTP at all, is refused. Pure functions over
 * bytes that may arrive in any pieces.
 *
 * Ownership: a span points into the caller's bytes; no heap.   Threads: any.
 */
#ifndef TLSECHO_HTTP_H
#define TLSECHO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a message. */
struct http_span {
    const char *at;
    size_t size;
};

/* RFC 9110 §15; 431: RFC 6585 §5. */
enum http_status {
    HTTP_MORE = 0, /* none yet: the bytes so far are the beginning of a message */
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_NOT_FOUND = 404,
    HTTP_METHOD_NOT_ALLOWED = 405,
    HTTP_REQUEST_TIMEOUT = 408,
    HTTP_CONTENT_TOO_LARGE = 413,
    HTTP_URI_TOO_LONG = 414,
    HTTP_EXPECTATION_FAILED = 417,
    HTTP_MISDIRECTED_REQUEST = 421,
    HTTP_HEAD_TOO_LARGE = 431,
    HTTP_NOT_IMPLEMENTED = 501,
    HTTP_UNAVAILABLE = 503,
    HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* "Bad Request" */
const char *http_reason(enum http_status status);

struct http_head {
    size_t bytes; /* of the head, with its empty line */
    struct http_span method, target, fields;
    int minor;             /* HTTP/1.minor */
    struct http_span host; /* of an absolute target, or else of Host; size 0 = there is none */
    bool keep_alive;       /* the connection goes on after the answer (RFC 9112 §9.3) */
    bool expects_continue; /* Expect: 100-continue (RFC 9110 §10.1.1) */
    bool chunked;          /* else the body has content_length bytes */
    uint64_t content_length;
};

/* How far the bytes of a head have been looked at: all zero before its first byte. */
struct http_scan {
    size_t seen, line; /* bytes; the start of the line that `seen` is in */
    size_t first;      /* the start of the request line */
    bool has_first;    /* the request line is complete and valid */
};

/*
 * Looks at the bytes that have been added since the last call: all size bytes from the start of the
 * message are at `data`, at most max_bytes of them are a head. HTTP_OK: ret is filled. Otherwise
 * HTTP_MORE, or the status of a refusal, with *ret_reason: what is wrong, in a few words.
 */
enum http_status http_head_read(struct http_scan *scan, struct http_span bytes, size_t max_bytes,
                                struct http_head *ret, const char **ret_reason);

/* Whether the bytes so far are of a HEAD request, whose answer has no content whatever its status
 * (RFC 9110 §9.3.2). */
bool http_scan_is_head(const struct http_scan *scan, struct http_span bytes);

/* Takes the first field off the fields of a head, its value without white space around it. False:
 * none is left. */
bool http_field_next(struct http_span *fields, struct http_span *ret_name,
                     struct http_span *ret_value);

/* Whether the client prefers text/html to application/json, by the quality values of its Accept
 * fields (RFC 9110 §12.5.1). */
bool http_prefers_html(const struct http_head *head);

bool http_equals(struct http_span span, const char *text);
bool http_equals_nocase(struct http_span span, const char *text);

/* The path of a target in origin or absolute form, without its query; of another form, all of it.
 */
struct http_span http_target_path(struct http_span target);

/* Whether the host, with its port, is a name other than localhost. */
bool http_host_is_foreign_name(struct http_span host);

/* The body of a message; http_body_init makes one. */
struct http_body {
    enum http_body_state {
        HTTP_BODY_LENGTH, /* `left` bytes to the end */
        HTTP_BODY_SIZE,   /* in the digits of a chunk's size */
        HTTP_BODY_BLANK,  /* in white space behind them, which an extension must follow */
        HTTP_BODY_EXTENSION,
        HTTP_BODY_SIZE_LF,
        HTTP_BODY_CHUNK, /* `left` bytes to the end of the chunk */
        HTTP_BODY_CHUNK_CR,
        HTTP_BODY_CHUNK_LF,
        HTTP_BODY_TRAILER, /* at the start of a line */
        HTTP_BODY_TRAILER_NAME,
        HTTP_BODY_TRAILER_VALUE,
        HTTP_BODY_TRAILER_LF,
        HTTP_BODY_LAST_LF,
        HTTP_BODY_DONE,
    } state;
    uint64_t left, bytes; /* bytes: of the body so far, without chunk sizes and trailers */
    size_t digits, line_bytes, trailer_bytes;
};

enum { HTTP_TRAILER_BYTES_MAX = 16384, HTTP_CHUNK_LINE_BYTES_MAX = 4096 };

void http_body_init(struct http_body *body, const struct http_head *head);

/*
 * Takes some of the bytes off the front of *bytes: up to the end of the message, or of a part of
 * the body, which *ret_data then is (else its size is 0). HTTP_OK: the message is complete; the
 * rest of *bytes is the next one. HTTP_MORE: call again if *bytes has any left, or with more.
 * Otherwise the status of a refusal, with *ret_reason.
 */
enum http_status http_body_take(struct http_body *body, struct http_span *bytes,
                                struct http_span *ret_data, const char **ret_reason);

#endif
