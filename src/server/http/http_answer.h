/* SPDX-License-Identifier: MIT */
/*
 * The answer to a request: JSON or a page of what arrived, or a refusal. It is written in windows
 * of any size, and is as long as its Content-Length says.
 *
 * Ownership: http_answer_free; the request and the texts of the plan must outlive the answer.
 * Threads: one at a time.
 */
#ifndef TLSECHO_HTTP_ANSWER_H
#define TLSECHO_HTTP_ANSWER_H

#include "tlsecho/net/http.h"
#include "tlsecho/server/conn_info.h"

struct http_answer;

struct http_answer_plan {
    enum http_status status;
    const char *reason;              /* of a refusal, in words */
    const struct http_head *request; /* NULL = it is refused */
    uint64_t body_bytes;             /* of the request's body */
    const char *sha256;              /* likewise */
    bool head_only;                  /* the method is HEAD */
    bool last;                       /* the connection is closed after it */
    const struct conn_info *info;    /* copied */
};

/* NULL: no memory. */
struct http_answer *http_answer_new(const struct http_answer_plan *plan);
void http_answer_free(struct http_answer *answer);

/* Its length, the head included. */
uint64_t http_answer_bytes(const struct http_answer *answer);

/* Writes it from `offset` on, at most size bytes; returns how many, 0 at the end. */
size_t http_answer_write(const struct http_answer *answer, uint64_t offset, unsigned char *data,
                         size_t size);

#endif
