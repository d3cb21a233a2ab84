/* SPDX-License-Identifier: MIT */
#include "tlsecho/acceptor.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tlsecho/clock.h"
#include "tlsecho/log.h"
#include "tlsecho/thread.h"

enum { PAUSE_US = 100 * 1000, LOG_EVERY_US = 1000 * 1000 };

/* Connections on their way to one worker. */
struct outgoing {
    struct handoff handoffs[WORKER_HANDOFFS_MAX];
    size_t count;
};

struct acceptor {
    const struct settings *settings;
    struct listening listening;
    struct worker *const *workers;
    unsigned worker_count;
    struct outgoing *outgoing; /* one per worker */
    struct reactor *reactor;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t mutex; /* guards the two `next` */
    pthread_cond_t replaced;
    const struct settings *next_settings; /* NULL = no replacement is due */
    struct listening next_listening;
    uint64_t next_id;
    uint64_t resume_us;            /* paused until then; UINT64_MAX = not paused */
    uint64_t log_us;               /* no refusal is logged before */
    uint64_t refused;              /* since the last line about it */
    char reason[ERROR_TEXT_BYTES]; /* of the last one */
};

/* The refusals since the last line, if that is long enough ago at now_us. */
static void log_refusals(struct acceptor *a, uint64_t now_us)
{
    if (a->refused == 0 || now_us < a->log_us)
        return;
    struct log_line line;
    if (log_begin(&line, LOG_LEVEL_WARNING, "connections_refused")) {
        log_text(&line, "reason", a->reason);
        log_number(&line, "count", a->refused);
        log_end(&line);
    }
    a->refused = 0;
    a->log_us = now_us + LOG_EVERY_US;
}

static void count_refusal(struct acceptor *a, const char *reason)
{
    a->refused++;
    snprintf(a->reason, sizeof a->reason, "%s", reason);
    log_refusals(a, clock_now_us());
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

static bool is_full(const struct acceptor *a)
{
    uint64_t limit = a->settings->config->limits.connections;
    uint64_t total = 0;
    for (unsigned i = 0; i < a->worker_count; i++)
        total += load(a, i);
    return limit > 0 && total >= limit;
}

static void hand_over(struct acceptor *a, unsigned worker)
{
    struct outgoing *out = &a->outgoing[worker];
    if (out->count > 0)
        worker_hand_over(a->workers[worker], out->handoffs, out->count);
    out->count = 0;
}

static void hand_over_all(struct acceptor *a)
{
    for (unsigned i = 0; i < a->worker_count; i++)
        hand_over(a, i);
}

static bool has(const struct config_cidrs *cidrs, const struct address *source)
{
    return cidr_match(cidrs->values, cidrs->count, source);
}

/* NULL: it may come in. */
static const char *why_not(const struct config_listener *listener, const struct address *source)
{
    if (has(&listener->deny, source))
        return "its address is denied";
    if (listener->allow.count > 0 && !has(&listener->allow, source))
        return "its address is not allowed";
    return NULL;
}

static void admit(struct acceptor *a, const struct listener *listener, int fd,
                  const struct address *source)
{
    const char *reason = why_not(listener->config, source);
    if (reason) {
        close(fd);
        count_refusal(a, reason);
        return;
    }
    if (is_full(a)) {
        close(fd);
        count_refusal(a, "limits.connections is reached");
        return;
    }
    settings_ref(listener->settings);
    unsigned worker = least_loaded(a);
    struct outgoing *out = &a->outgoing[worker];
    out->handoffs[out->count++] =
        (struct handoff){.fd = fd, .id = a->next_id++, .listener = listener, .source = *source};
    if (out->count == WORKER_HANDOFFS_MAX)
        hand_over(a, worker);
}

static void set_interest(struct acceptor *a, unsigned want)
{
    for (size_t i = 0; i < a->listening.count; i++) {
        struct error err;
        if (reactor_want(a->reactor, &a->listening.sockets[i].source, want, &err) < 0)
            log_reason(LOG_LEVEL_ERROR, "watch_failed", err.text);
    }
}

/* Short of descriptors or memory: accepting again at once would only spin. */
static void pause_accepting(struct acceptor *a, int code)
{
    errno = code;
    struct error err;
    error_sys(&err, "accept");
    count_refusal(a, err.text);
    a->resume_us = clock_now_us() + PAUSE_US;
}

/* accept(2): these are the connection's own troubles, the next one may be well. */
static bool is_passing(int code)
{
    return code == EINTR || code == ECONNABORTED || code == EPROTO || code == ENETDOWN ||
           code == ENETUNREACH || code == EHOSTUNREACH || code == EHOSTDOWN || code == EPERM;
}

/* True if there was one. */
static bool accept_one(struct acceptor *a, struct listening_socket *socket)
{
    struct address source = {.length = sizeof source - offsetof(struct address, any)};
    int fd = accept4(socket->source.fd, &source.any, &source.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        address_unmap(&source);
        admit(a, socket->listener, fd, &source);
        return true;
    }
    if (is_passing(errno))
        return true;
    if (errno != EAGAIN)
        pause_accepting(a, errno);
    return false;
}

/* Some at a time, so that a flood on one listener does not silence the others. */
static void socket_ready(struct reactor_source *source)
{
    struct listening_socket *socket = (struct listening_socket *)source;
    struct acceptor *a = socket->owner;
    bool paused = a->resume_us != UINT64_MAX;
    for (int i = 0; i < WORKER_HANDOFFS_MAX && !paused && accept_one(a, socket); i++)
        ;
    hand_over_all(a);
}

/* When there is something to do even if nobody comes. */
static uint64_t next_us(const struct acceptor *a)
{
    bool unlogged = a->refused > 0 && a->log_us < a->resume_us;
    return unlogged ? a->log_us : a->resume_us;
}

static void attach(struct acceptor *a)
{
    for (size_t i = 0; i < a->listening.count; i++) {
        a->listening.sockets[i].owner = a;
        a->listening.sockets[i].source.ready = socket_ready;
    }
}

/* Whoever has been told "connected" by the kernel is served: closing now would reset them. More
 * than the backlog has not been told so, however many keep coming. */
static void accept_waiting(struct acceptor *a)
{
    for (size_t i = 0; i < a->listening.count; i++)
        for (uint64_t n = 0; n <= a->settings->config->tcp.backlog; n++)
            if (!accept_one(a, &a->listening.sockets[i]))
                break;
    hand_over_all(a);
}

static void take_replacement(struct acceptor *a)
{
    pthread_mutex_lock(&a->mutex);
    if (a->next_settings) {
        accept_waiting(a);
        set_interest(a, WANT_NOTHING);
        a->settings = a->next_settings;
        a->listening = a->next_listening;
        a->next_settings = NULL;
        attach(a);
        set_interest(a, WANT_READ);
        pthread_cond_signal(&a->replaced);
    }
    pthread_mutex_unlock(&a->mutex);
}

static void *accept_all(void *argument)
{
    struct acceptor *a = argument;
    while (!atomic_load(&a->stopping)) {
        reactor_turn(a->reactor, clock_poll_ms(clock_now_us(), next_us(a)));
        if (clock_now_us() >= a->resume_us)
            a->resume_us = UINT64_MAX;
        set_interest(a, a->resume_us == UINT64_MAX ? WANT_READ : WANT_NOTHING);
        log_refusals(a, clock_now_us());
        take_replacement(a);
    }
    accept_waiting(a);
    log_refusals(a, UINT64_MAX);
    set_interest(a, WANT_NOTHING);
    return NULL;
}

static void acceptor_free(struct acceptor *a)
{
    reactor_free(a->reactor);
    pthread_cond_destroy(&a->replaced);
    pthread_mutex_destroy(&a->mutex);
    free(a->outgoing);
    free(a);
}

static int start(struct acceptor *a, struct error *err)
{
    a->outgoing = calloc(a->worker_count, sizeof *a->outgoing);
    if (!a->outgoing)
        return error_sys(err, "make the acceptor");
    if (reactor_new(&a->reactor, err) < 0)
        return -1;
    attach(a);
    for (size_t i = 0; i < a->listening.count; i++)
        if (reactor_want(a->reactor, &a->listening.sockets[i].source, WANT_READ, err) < 0)
            return -1;
    return thread_start(&a->thread, "acceptor", accept_all, a, err);
}

int acceptor_new(const struct settings *settings, const struct listening *listening,
                 struct worker *const *workers, unsigned worker_count, struct acceptor **ret,
                 struct error *err)
{
    struct acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return error_sys(err, "make the acceptor");
    a->settings = settings;
    a->listening = *listening;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->replaced, NULL);
    a->workers = workers;
    a->worker_count = worker_count;
    a->next_id = 1;
    a->resume_us = UINT64_MAX;
    if (start(a, err) < 0) {
        acceptor_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void acceptor_replace(struct acceptor *acceptor, const struct settings *settings,
                      const struct listening *listening)
{
    pthread_mutex_lock(&acceptor->mutex);
    acceptor->next_settings = settings;
    acceptor->next_listening = *listening;
    reactor_wake(acceptor->reactor);
    while (acceptor->next_settings)
        pthread_cond_wait(&acceptor->replaced, &acceptor->mutex);
    pthread_mutex_unlock(&acceptor->mutex);
}

struct reactor *acceptor_reactor(struct acceptor *acceptor)
{
    return acceptor->reactor;
}

void acceptor_stop(struct acceptor *acceptor)
{
    atomic_store(&acceptor->stopping, true);
    reactor_wake(acceptor->reactor);
    pthread_join(acceptor->thread, NULL);
    acceptor_free(acceptor);
}
