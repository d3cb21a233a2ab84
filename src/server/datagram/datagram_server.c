/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "datagram_server_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"

enum {
    BATCHES = 4,            /* of a socket in one turn, so that the worker's others are served */
    BATCHES_TO_CLOSE = 128, /* answered before a socket is given up, although more keeps coming */
};

int datagram_server_new(const struct datagram_place *place, struct datagram_server **ret,
                        struct error *err)
{
    struct datagram_server *s = calloc(1, sizeof *s);
    if (!s)
        return error_sys(err, "serve datagrams");
    s->place = *place;
    s->resume_us = UINT64_MAX;
    s->buffers = malloc((size_t)DATAGRAM_BATCH * DATAGRAM_BUFFER_BYTES);
    if (!s->buffers)
        error_sys(err, "serve datagrams");
    if (!s->buffers || datagram_loops_new(&s->loops, err) < 0 ||
        datagram_log_init(&s->log, err) < 0) {
        datagram_server_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void datagram_server_free(struct datagram_server *server)
{
    if (!server)
        return;
    datagram_set_free(server->set);
    datagram_loops_free(server->loops);
    free(server->buffers);
    free(server);
}

static int open_socket(const struct datagram_binding *binding, struct datagram_listener *ret,
                       struct error *err)
{
    bool all = binding->listener->service->wants_arrival;
    const struct datagram_options options = {.own = true, .time = all, .ttl = all, .tos = all};
    ret->source.fd = binding->fd;
    ret->listener = binding->listener;
    ret->port = binding->port;
    return datagram_new(binding->fd, true, &options, &ret->socket, err);
}

int datagram_set_new(const struct datagram_binding bindings[], size_t count, const uint16_t ports[],
                     size_t port_count, struct datagram_set **ret, struct error *err)
{
    struct datagram_set *set = calloc(1, sizeof *set + count * sizeof set->listeners[0]);
    if (!set)
        return error_sys(err, "serve datagrams");
    set->ports = calloc(port_count + 1, sizeof *ports);
    if (!set->ports) {
        error_sys(err, "serve datagrams");
        datagram_set_free(set);
        return -1;
    }
    memcpy(set->ports, ports, port_count * sizeof *ports);
    set->port_count = port_count;
    for (; set->count < count; set->count++)
        if (open_socket(&bindings[set->count], &set->listeners[set->count], err) < 0) {
            datagram_set_free(set);
            return -1;
        }
    *ret = set;
    return 0;
}

void datagram_set_free(struct datagram_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        datagram_free(set->listeners[i].socket);
    free(set->ports);
    free(set);
}

static struct datagram_listener *find(struct datagram_set *set, int fd)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (set->listeners[i].source.fd == fd)
            return &set->listeners[i];
    return NULL;
}

void datagram_set_count(struct datagram_set *set, int fd, unsigned slot)
{
    struct datagram_listener *l = find(set, fd);
    assert(l);
    l->slot = slot;
}

/* What cannot be waited for now, for lack of memory, is tried again later. */
static void wait_for(struct datagram_listener *l, unsigned want)
{
    struct error err;
    if (reactor_want(l->server->place.reactor, &l->source, want, &err) == 0)
        return;
    log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
    l->server->resume_us = clock_now_us() + DATAGRAM_PAUSE_US;
}

static void socket_ready(struct reactor_source *source)
{
    struct datagram_listener *l = container_of(source, struct datagram_listener, source);
    for (int i = 0; i < BATCHES && datagram_server_serve(l); i++)
        ;
    if (l->server->resume_us != UINT64_MAX)
        wait_for(l, WANT_NOTHING); /* it would be ready again at once */
}

static void receive_again(struct datagram_server *s)
{
    s->resume_us = UINT64_MAX;
    for (size_t i = 0; s->set && i < s->set->count; i++)
        wait_for(&s->set->listeners[i], WANT_READ);
}

static void log_loops(struct datagram_server *s, uint64_t now_us)
{
    uint64_t count = rate_limited_count_take(&s->loops_found, now_us);
    char source[ADDRESS_TEXT_BYTES];
    struct log_line line;
    if (count == 0 || !log_begin(&line, LOG_LEVEL_WARNING, "datagram_loop"))
        return;
    address_text(&s->loop_source, source);
    log_number(&line, "count", count);
    log_text(&line, "source", source);
    log_text(&line, "listener", s->loop_listener->config->name.value);
    log_text(&line, "reason",
             "it sends our answers back: it is ignored for 60 s; change the payload of a test, or "
             "stop the other echo server");
    log_end(&line);
}

static void log_failures(struct datagram_server *s, uint64_t now_us)
{
    uint64_t count = rate_limited_count_take(&s->failures, now_us);
    struct log_line line;
    if (count == 0 || !log_begin(&line, LOG_LEVEL_WARNING, "receive_failed"))
        return;
    log_number(&line, "count", count);
    log_text(&line, "listener", s->failed_listener->config->name.value);
    log_text(&line, "reason", s->failure.text);
    log_end(&line);
}

/* Before the listeners that they name are gone. */
static void log_all(struct datagram_server *s)
{
    log_loops(s, UINT64_MAX);
    log_failures(s, UINT64_MAX);
    if (s->log.due_us != UINT64_MAX)
        datagram_log_flush(&s->log, clock_now_us());
}

static void let_go(struct datagram_server *s, struct datagram_set *next)
{
    struct datagram_set *set = s->set;
    for (size_t i = 0; set && i < set->count; i++) {
        struct datagram_listener *l = &set->listeners[i];
        struct datagram_listener *kept = find(next, l->source.fd);
        for (int n = 0; !kept && n < BATCHES_TO_CLOSE && datagram_server_serve(l); n++)
            ;
        wait_for(l, WANT_NOTHING);
        if (kept) {
            kept->socket->kernel_drops = l->socket->kernel_drops;
            kept->drops_counted = l->drops_counted;
        }
    }
    log_all(s);
    datagram_set_free(set);
}

void datagram_server_replace(struct datagram_server *server, struct datagram_set *set)
{
    let_go(server, set);
    server->set = set;
    for (size_t i = 0; set && i < set->count; i++) {
        set->listeners[i].server = server;
        set->listeners[i].source.ready = socket_ready;
    }
    receive_again(server);
}

uint64_t datagram_server_due_us(const struct datagram_server *server)
{
    uint64_t loops_us = rate_limited_count_due_us(&server->loops_found);
    uint64_t failures_us = rate_limited_count_due_us(&server->failures);
    uint64_t due_us = server->log.due_us;
    due_us = loops_us < due_us ? loops_us : due_us;
    due_us = server->resume_us < due_us ? server->resume_us : due_us;
    return failures_us < due_us ? failures_us : due_us;
}

void datagram_server_expire(struct datagram_server *server, uint64_t now_us)
{
    log_loops(server, now_us);
    log_failures(server, now_us);
    if (now_us >= server->log.due_us)
        datagram_log_flush(&server->log, now_us);
    if (now_us >= server->resume_us)
        receive_again(server);
}
