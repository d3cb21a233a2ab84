/* SPDX-License-Identifier: MIT */
/* Accepts connections, asks admission about each, and hands them over. */
#include "acceptor_internal.h"

#include <errno.h>
#include <unistd.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/server/descriptors.h"

enum {
    PAUSE_US = 100 * 1000,
    ROOM_MS = 1000, /* to wait for room in a worker's queue */
    SHED_MAX = 256, /* refused before each pause */
    ALONE_MAX = 16, /* wake-ups for one connection each before more are looked for */
};

void acceptor_flush_log(struct acceptor *a, uint64_t now_us)
{
    reject_log_flush(&a->reject_log, now_us);
    uint64_t count = rate_limited_count_take(&a->failures, now_us);
    struct log_line line;
    if (count == 0 || !log_begin(&line, LOG_LEVEL_WARNING, "accept_failed"))
        return;
    log_number(&line, "count", count);
    log_text(&line, "reason", a->failure.text);
    log_end(&line);
}

static void refuse(struct acceptor *a, enum admission_refusal refusal, const char *reason,
                   const struct listener *listener, const struct address *source)
{
    reject_log_add(&a->reject_log, refusal, reason, listener->config->name.value, source);
}

static unsigned load(const struct acceptor *a, unsigned worker)
{
    return worker_load(a->workers[worker]) + (unsigned)a->outgoing[worker].count;
}

static unsigned least_loaded(const struct acceptor *a)
{
    unsigned best = 0;
    for (unsigned i = 1; i < a->worker_count; i++)
        if (load(a, i) < load(a, best))
            best = i;
    return best;
}

/* To that worker, or to another one if its queue is full. */
static bool hand_over_to_any(struct acceptor *a, unsigned first, const struct outgoing *out)
{
    for (unsigned i = 0; i < a->worker_count; i++)
        if (worker_hand_over(a->workers[(first + i) % a->worker_count], out->handoffs, out->count))
            return true;
    return false;
}

static void refuse_all(struct acceptor *a, struct outgoing *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct handoff *h = &out->handoffs[i];
        close(h->fd);
        admission_revoke(&h->pass, ADMISSION_WORKERS);
        refuse(a, ADMISSION_WORKERS, admission_refusal_reason(ADMISSION_WORKERS), h->listener,
               &h->source);
        config_snapshot_free(h->listener->snapshot);
    }
}

static void start_all(struct worker *host, struct outgoing *out)
{
    for (size_t i = 0; i < out->count; i++)
        worker_start(host, &out->handoffs[i]);
    out->count = 0;
}

/* While all queues are full, connections wait in the backlog. After ROOM_MS the workers are stuck,
 * and the acceptor must still respond to a reload or a stop: it refuses the connections. */
static void hand_over(struct acceptor *a, unsigned worker)
{
    struct outgoing *out = &a->outgoing[worker];
    if (out->count == 0)
        return;
    if (a->host) {
        start_all(a->host, out);
        return;
    }
    bool taken = hand_over_to_any(a, worker, out);
    while (!taken && worker_wait_for_room(a->workers[0], a->stuck ? 0 : ROOM_MS))
        taken = hand_over_to_any(a, worker, out);
    a->stuck = !taken;
    if (!taken)
        refuse_all(a, out);
    out->count = 0;
}

static void hand_over_all(struct acceptor *a)
{
    for (unsigned i = 0; i < a->worker_count; i++)
        hand_over(a, i);
}

/* If a PROXY header is expected, the worker checks the source once it has arrived. On a refusal the
 * caller releases the pass. */
static enum admission_refusal check_admission(struct acceptor *a, const struct listener *listener,
                                              const struct address *source,
                                              struct admission_pass *pass)
{
    bool proxied = proxied_is_expected(listener->config, source);
    enum admission_refusal refusal =
        proxied ? ADMISSION_GRANTED
                : admission_source(a->admission, listener->config, source, pass);
    if (refusal != ADMISSION_GRANTED)
        return refusal;
    return admission_accept(a->admission, clock_now_us(), pass);
}

static void admit(struct acceptor *a, const struct listen_socket *socket, int fd,
                  const struct address *source)
{
    const struct listener *listener = socket->listener;
    struct admission_pass pass = {.admission = NULL};
    enum admission_refusal refusal = check_admission(a, listener, source, &pass);
    if (refusal != ADMISSION_GRANTED) {
        close(fd);
        admission_over(&pass);
        refuse(a, refusal, admission_refusal_reason(refusal), listener, source);
        return;
    }
    config_snapshot_ref(listener->snapshot);
    unsigned worker = least_loaded(a);
    struct outgoing *out = &a->outgoing[worker];
    out->handoffs[out->count++] = (struct handoff){
        .fd = fd,
        .slot = socket->slot,
        .id = admission_number(a->admission),
        .listener = listener,
        .source = *source,
        .pass = pass,
    };
    if (out->count == WORKER_HANDOFFS_MAX)
        hand_over(a, worker);
}

static void want(struct acceptor *a, struct listen_socket *socket, unsigned what)
{
    struct error err;
    if (reactor_want(a->reactor, &socket->source, what, &err) == 0)
        return;
    log_reason(LOG_LEVEL_ERROR, "epoll_failed", err.text);
    a->resume_us = clock_now_us() + PAUSE_US; /* for lack of memory: tries again */
}

void acceptor_set_interest(struct acceptor *a, unsigned what)
{
    for (size_t i = 0; i < a->listen_set.count; i++)
        want(a, &a->listen_set.sockets[i], what);
}

static bool is_shortage(int code)
{
    return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

/*
 * Without descriptors or memory, accepting again at once would spin, and clients in the backlog
 * would wait forever. So they are refused with the help of the reserved descriptor, and then
 * accepting pauses. False: the backlog is empty, as accept(2) fails with EMFILE even then.
 */
static bool shed(struct acceptor *a, const struct listen_socket *socket, int code)
{
    enum admission_refusal refusal =
        code == EMFILE || code == ENFILE ? ADMISSION_DESCRIPTORS : ADMISSION_MEMORY;
    struct address source;
    errno = code;
    error_sys(&a->failure, "accept");
    int n = 0;
    for (; n < SHED_MAX && reserve_fd_refuse(&a->reserve, socket->source.fd, &source) == 0; n++) {
        address_unmap(&source);
        admission_refuse(a->admission, refusal);
        refuse(a, refusal, a->failure.text, socket->listener, &source);
    }
    if (n == 0 && errno == EAGAIN)
        return false;
    if (n == 0)
        rate_limited_count_add(&a->failures);
    return true;
}

/* prlimit(2) may change the limit at any time. */
static bool is_reserved(struct acceptor *a, int fd)
{
    if (fd > a->highest_fd || fd >= a->reserve_fd)
        a->reserve_fd = descriptors_reserve_fd();
    if (fd > a->highest_fd)
        a->highest_fd = fd;
    return fd >= a->reserve_fd;
}

static void refuse_reserved(struct acceptor *a, const struct listener *listener, int fd,
                            const struct address *source)
{
    close(fd);
    admission_refuse(a->admission, ADMISSION_DESCRIPTORS);
    refuse(a, ADMISSION_DESCRIPTORS,
           "the remaining descriptors are reserved for the admin address and reloads", listener,
           source);
}

/* True if there was one. */
static bool accept_one(struct acceptor *a, struct listen_socket *socket)
{
    struct address source = {.length = sizeof source - offsetof(struct address, any)};
    int fd = accept4(socket->source.fd, &source.any, &source.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        address_unmap(&source);
        if (is_reserved(a, fd)) {
            refuse_reserved(a, socket->listener, fd, &source);
            return true;
        }
        admit(a, socket, fd, &source);
        return true;
    }
    int code = errno;
    if (socket_refusal_passes(code))
        return true;
    if (code == EAGAIN)
        return false;
    if (is_shortage(code)) {
        a->reserve_fd = descriptors_reserve_fd();
        if (!shed(a, socket, code))
            return false;
    } else {
        error_sys(&a->failure, "accept");
        rate_limited_count_add(&a->failures);
    }
    a->resume_us = clock_now_us() + PAUSE_US;
    return false;
}

/*
 * A few at a time, so that a flood on one listener does not starve the others. While connections
 * come one by one, only one: the accept(2) that finds no other would double the system calls.
 */
static void socket_ready(struct reactor_source *source)
{
    struct listen_socket *socket = container_of(source, struct listen_socket, source);
    struct acceptor *a = socket->owner;
    bool paused = a->resume_us != UINT64_MAX;
    int n = 0, most = a->alone > 0 ? 1 : WORKER_HANDOFFS_MAX;
    while (n < most && !paused && accept_one(a, socket))
        n++;
    if (a->alone > 0)
        a->alone--;
    else if (n <= 1)
        a->alone = ALONE_MAX;
    hand_over_all(a);
    if (a->resume_us != UINT64_MAX)
        want(a, socket, WANT_NOTHING); /* it would be ready again at once */
    a->guest.due_us = acceptor_due_us(a);
}

uint64_t acceptor_due_us(const struct acceptor *a)
{
    uint64_t rejections_us = reject_log_due_us(&a->reject_log);
    uint64_t failures_us = rate_limited_count_due_us(&a->failures);
    uint64_t log_us = rejections_us < failures_us ? rejections_us : failures_us;
    return log_us < a->resume_us ? log_us : a->resume_us;
}

void acceptor_attach(struct acceptor *a)
{
    for (size_t i = 0; i < a->listen_set.count; i++) {
        a->listen_set.sockets[i].owner = a;
        a->listen_set.sockets[i].source.ready = socket_ready;
    }
}

/* No more than the backlog, since new ones keep arriving. */
void acceptor_accept_waiting(struct acceptor *a)
{
    for (size_t i = 0; i < a->listen_set.count; i++)
        for (uint64_t n = 0; n <= a->snapshot->config->tcp.backlog; n++)
            if (!accept_one(a, &a->listen_set.sockets[i]))
                break;
    hand_over_all(a);
}

void acceptor_follow(struct acceptor *a)
{
    uint64_t now_us = clock_now_us();
    if (now_us >= a->resume_us)
        a->resume_us = UINT64_MAX;
    acceptor_set_interest(a, a->resume_us == UINT64_MAX ? WANT_READ : WANT_NOTHING);
    reserve_fd_open(&a->reserve); /* another thread may have got the number while it was closed */
    acceptor_flush_log(a, now_us);
}
