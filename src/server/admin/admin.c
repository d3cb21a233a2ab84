/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin_answer.h"
#include "admin_conn.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/server/listen_set.h"

enum {
    CLIENTS_MAX = 16,
    PAUSE_US = 100 * 1000,          /* after accept(2) has failed: retrying at once would spin */
    SILENT_US_MAX = 5 * 1000 * 1000 /* a thread that has not responded for so long is stuck */
};

struct admin {
    struct reactor *reactor;
    const struct metrics *metrics;
    struct heartbeat *heartbeat;
    bool ready, was_ready;
    struct listen_set listen_set; /* empty = it does not listen */
    struct admin_conn conns[CLIENTS_MAX];
    bool loopback;      /* against DNS rebinding: answers no foreign Host */
    uint64_t resume_us; /* no accept(2) until then; UINT64_MAX = not paused */
};

static void want(struct admin *a, struct reactor_source *source, unsigned what)
{
    struct error err;
    if (reactor_want(a->reactor, source, what, &err) == 0)
        return;
    log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
    a->resume_us = clock_now_us() + PAUSE_US; /* for lack of memory: tries again */
}

static void set_interest(struct admin *a, unsigned what)
{
    for (size_t i = 0; i < a->listen_set.count; i++)
        want(a, &a->listen_set.sockets[i].source, what);
}

static char *print_metrics(const struct admin *a, bool head_only, size_t *ret_size)
{
    char *text = NULL, *answer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    metrics_print(a->metrics, out);
    struct admin_body body = {.type = "text/plain; version=0.0.4; charset=utf-8"};
    if (fclose(out) == 0 && text) { /* without memory fclose(3) can succeed */
        body.text = text;
        body.size = size;
        answer = admin_answer(HTTP_OK, &body, head_only, ret_size);
    }
    free(text);
    return answer;
}

/* Whether every thread responds. Asks them again, for the next time. */
static bool is_healthy(struct admin *a)
{
    const char *name;
    uint64_t now_us = clock_now_us();
    bool healthy = heartbeat_silent_us(a->heartbeat, now_us, &name) < SILENT_US_MAX;
    heartbeat_ask(a->heartbeat, now_us);
    return healthy;
}

static char *respond(void *owner, enum http_status status, const struct admin_request *request,
                     size_t *ret_size)
{
    struct admin *a = owner;
    bool head_only = request->head;
    if (status == HTTP_OK && a->loopback && request->by_name)
        status = HTTP_MISDIRECTED_REQUEST;
    if (status == HTTP_OK && request->path == ADMIN_METRICS)
        return print_metrics(a, head_only, ret_size);
    const char *text = NULL;
    if (status == HTTP_OK && request->path == ADMIN_HEALTHZ && !is_healthy(a)) {
        status = HTTP_UNAVAILABLE;
        text = "a thread has not responded for 5 s\n";
    }
    if (status == HTTP_OK && request->path == ADMIN_READYZ && !a->ready) {
        status = HTTP_UNAVAILABLE;
        text = a->was_ready ? "draining\n" : "starting\n";
    }
    text = text ? text : admin_answer_text(status);
    struct admin_body body = {"text/plain; charset=utf-8", text, strlen(text)};
    return admin_answer(status, &body, head_only, ret_size);
}

static void settle(struct admin *a, struct admin_conn *c, unsigned wanted)
{
    want(a, &c->source, wanted);
    if (c->state == ADMIN_OVER)
        admin_conn_close(c);
}

static void client_ready(struct reactor_source *source)
{
    struct admin_conn *c = container_of(source, struct admin_conn, source);
    struct admin *a = c->owner;
    settle(a, c, admin_conn_run(c, clock_now_us()));
}

uint64_t admin_due_us(const struct admin *admin)
{
    uint64_t due_us = admin->resume_us;
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (admin->conns[i].state != ADMIN_FREE && admin->conns[i].due_us < due_us)
            due_us = admin->conns[i].due_us;
    return due_us;
}

void admin_expire(struct admin *admin)
{
    uint64_t now_us = clock_now_us();
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (admin->conns[i].state != ADMIN_FREE && admin->conns[i].due_us <= now_us)
            settle(admin, &admin->conns[i], admin_conn_expire(&admin->conns[i], now_us));
    if (admin->resume_us <= now_us) {
        admin->resume_us = UINT64_MAX;
        set_interest(admin, WANT_READ);
    }
}

/* Whether to close a for a new client rather than b, which may be NULL: one that has its answer,
 * or else one that is still sending its request; of two in the same state, the older one. */
static bool is_closed_first(const struct admin_conn *a, const struct admin_conn *b)
{
    if (a->state != ADMIN_LINGERING && a->state != ADMIN_READING)
        return false;
    if (!b || a->state != b->state)
        return !b || a->state == ADMIN_LINGERING;
    return a->due_us < b->due_us;
}

/*
 * For a new client: without it a few slow clients would block health checks. NULL = all of them are
 * being answered. An event that was already returned for a connection closed here finds nothing to
 * read.
 */
static struct admin_conn *make_room(struct admin *a)
{
    struct admin_conn *found = NULL;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct admin_conn *c = &a->conns[i];
        if (c->state == ADMIN_FREE)
            return c;
        if (is_closed_first(c, found))
            found = c;
    }
    if (found) {
        want(a, &found->source, WANT_NOTHING);
        admin_conn_close(found);
    }
    return found;
}

static void socket_ready(struct reactor_source *source)
{
    struct admin *a = container_of(source, struct listen_socket, source)->owner;
    int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN &&
            !socket_refusal_passes(errno)) { /* it would be ready again at once */
            set_interest(a, WANT_NOTHING);
            a->resume_us = clock_now_us() + PAUSE_US;
        }
        return;
    }
    struct admin_conn *c = make_room(a);
    if (!c) {
        close(fd);
        return;
    }
    admin_conn_start(c, fd, clock_now_us());
    settle(a, c, WANT_READ);
}

int admin_new(struct reactor *reactor, const struct metrics *metrics, struct heartbeat *heartbeat,
              struct admin **ret, struct error *err)
{
    struct admin *a = calloc(1, sizeof *a);
    if (!a)
        return error_sys(err, "create the admin address");
    a->reactor = reactor;
    a->metrics = metrics;
    a->heartbeat = heartbeat;
    a->resume_us = UINT64_MAX;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        a->conns[i].source.ready = client_ready;
        a->conns[i].respond = respond;
        a->conns[i].owner = a;
    }
    *ret = a;
    return 0;
}

void admin_free(struct admin *admin)
{
    if (!admin)
        return;
    set_interest(admin, WANT_NOTHING);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        want(admin, &admin->conns[i].source, WANT_NOTHING);
        admin_conn_close(&admin->conns[i]);
    }
    free(admin);
}

void admin_listen(struct admin *admin, const struct listen_set *listen_set)
{
    set_interest(admin, WANT_NOTHING);
    admin->listen_set = *listen_set;
    admin->loopback = listen_set->count > 0 && address_is_loopback(&listen_set->sockets[0].address);
    for (size_t i = 0; i < listen_set->count; i++) {
        listen_set->sockets[i].owner = admin;
        listen_set->sockets[i].source.ready = socket_ready;
    }
    set_interest(admin, admin->resume_us == UINT64_MAX ? WANT_READ : WANT_NOTHING);
}

void admin_set_ready(struct admin *admin, bool ready)
{
    admin->was_ready = admin->was_ready || ready;
    admin->ready = ready;
}
