/* SPDX-License-Identifier: MIT */
#include "admin_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

enum { REQUEST_S = 5, SEND_S = 10, LINGER_S = 2, DROPPED_BYTES_MAX = 64 * 1024 };

void admin_conn_start(struct admin_conn *c, int fd, uint64_t now_us)
{
    c->source.fd = fd;
    c->source.want = WANT_NOTHING;
    c->state = ADMIN_READING;
    c->due_us = now_us + REQUEST_S * SECOND_US;
    c->request_bytes = c->answer_bytes = c->sent_bytes = c->dropped_bytes = 0;
    c->answer = NULL;
}

void admin_conn_close(struct admin_conn *c)
{
    if (c->state == ADMIN_FREE)
        return;
    close(c->source.fd);
    free(c->answer);
    c->answer = NULL;
    c->state = ADMIN_FREE;
}

static unsigned over(struct admin_conn *c)
{
    c->state = ADMIN_OVER;
    return WANT_NOTHING;
}

static bool is_for_later(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Once per turn and up to a limit, so that dropped input cannot keep the main thread busy. */
static unsigned linger(struct admin_conn *c)
{
    char scrap[ADMIN_REQUEST_BYTES];
    ssize_t n = recv(c->source.fd, scrap, sizeof scrap, 0);
    if (n < 0 && is_for_later())
        return WANT_READ;
    if (n <= 0)
        return over(c);
    c->dropped_bytes += (size_t)n;
    return c->dropped_bytes > DROPPED_BYTES_MAX ? over(c) : WANT_READ;
}

static unsigned send_answer(struct admin_conn *c, uint64_t now_us)
{
    while (c->sent_bytes < c->answer_bytes) {
        ssize_t n = send(c->source.fd, c->answer + c->sent_bytes, c->answer_bytes - c->sent_bytes,
                         MSG_NOSIGNAL);
        if (n < 0)
            return is_for_later() ? WANT_WRITE : over(c);
        c->sent_bytes += (size_t)n;
    }
    shutdown(c->source.fd, SHUT_WR);
    c->state = ADMIN_LINGERING;
    c->due_us = now_us + LINGER_S * SECOND_US;
    return linger(c);
}

static unsigned answer(struct admin_conn *c, enum http_status status,
                       const struct admin_request *request, uint64_t now_us)
{
    c->answer = c->respond(c->owner, status, request, &c->answer_bytes);
    if (!c->answer)
        return over(c);
    c->state = ADMIN_SENDING;
    c->due_us = now_us + SEND_S * SECOND_US;
    return send_answer(c, now_us);
}

/* A client that closes without a byte, as TCP health checks do, gets no answer. */
static unsigned read_request(struct admin_conn *c, uint64_t now_us)
{
    struct admin_request request;
    ssize_t n =
        recv(c->source.fd, c->request + c->request_bytes, sizeof c->request - c->request_bytes, 0);
    if (n < 0 && is_for_later())
        return WANT_READ;
    if (n < 0 || (n == 0 && c->request_bytes == 0))
        return over(c);
    c->request_bytes += (size_t)n;
    enum http_status status = admin_request_parse(c->request, c->request_bytes, &request);
    if (status == HTTP_MORE && n > 0)
        return WANT_READ;
    return answer(c, status == HTTP_MORE ? HTTP_BAD_REQUEST : status, &request, now_us);
}

unsigned admin_conn_run(struct admin_conn *c, uint64_t now_us)
{
    switch (c->state) {
    case ADMIN_FREE:
    case ADMIN_OVER:
        break;
    case ADMIN_READING:
        return read_request(c, now_us);
    case ADMIN_SENDING:
        return send_answer(c, now_us);
    case ADMIN_LINGERING:
        return linger(c);
    }
    return WANT_NOTHING;
}

unsigned admin_conn_expire(struct admin_conn *c, uint64_t now_us)
{
    struct admin_request request;
    if (c->state != ADMIN_READING)
        return over(c);
    admin_request_parse(c->request, c->request_bytes, &request);
    return answer(c, HTTP_REQUEST_TIMEOUT, &request, now_us);
}
