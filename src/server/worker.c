/* SPDX-License-Identifier: MIT */
#include "tlsecho/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "tlsecho/clock.h"
#include "tlsecho/conn.h"
#include "tlsecho/conn_log.h"
#include "tlsecho/deadline.h"
#include "tlsecho/log.h"
#include "tlsecho/reactor.h"
#include "tlsecho/thread.h"

enum { QUIET_MS = 1000 }; /* while draining: so long without a byte, and a connection is done */

_Static_assert(sizeof(struct handoff[WORKER_HANDOFFS_MAX]) <= PIPE_BUF,
               "handoffs are written atomically, pipe(7)");

/* One connection and what the worker needs to run it. */
struct session {
    struct reactor_source source;
    struct conn conn;
    struct deadline timeout, lifetime;
    enum conn_timeout armed; /* the class that `timeout` is set for; CONN_TIMEOUTS = none yet */
    bool again;              /* it is in the worker's `again` list */
    struct handoff origin;
    uint64_t start_us;
    struct worker *worker;
    TAILQ_ENTRY(session) in_all, in_again;
};

TAILQ_HEAD(session_list, session);

struct worker {
    const struct settings *settings;
    pthread_t thread;
    struct reactor *reactor;
    struct reactor_source handoffs; /* the reading end of the pipe */
    int handoffs_in;
    struct tls_scratch *scratch;
    struct pool pool;
    struct deadline_queue timeouts[CONN_TIMEOUTS];
    struct deadline_queue lifetimes;
    struct session_list all, again;
    enum worker_order obeyed; /* the highest order that the sessions know of */
    uint64_t now_us;          /* 0 = ask the clock again */
    atomic_uint load;
    atomic_int order;
    atomic_bool ended;
    struct reactor *owner; /* woken at the end */
};

static uint64_t now(struct worker *w)
{
    if (w->now_us == 0)
        w->now_us = clock_now_us();
    return w->now_us;
}

static void set_again(struct session *s, bool again)
{
    if (s->again == again)
        return;
    s->again = again;
    if (again)
        TAILQ_INSERT_TAIL(&s->worker->again, s, in_again);
    else
        TAILQ_REMOVE(&s->worker->again, s, in_again);
}

static void end_session(struct session *s)
{
    struct worker *w = s->worker;
    struct error ignored;
    set_again(s, false);
    deadline_clear(&s->timeout);
    deadline_clear(&s->lifetime);
    reactor_want(w->reactor, &s->source, WANT_NOTHING, &ignored);
    if (w->settings->config->log.connections)
        conn_log(&s->conn, &s->origin, now(w) - s->start_us);
    conn_done(&s->conn);
    TAILQ_REMOVE(&w->all, s, in_all);
    free(s);
    atomic_fetch_sub(&w->load, 1);
}

/* A relative time-out starts again when bytes moved; an absolute one runs on. */
static void arm(struct session *s)
{
    enum conn_timeout class = s->conn.timeout;
    bool relative =
        class == CONN_TIMEOUT_IDLE || class == CONN_TIMEOUT_WRITE || class == CONN_TIMEOUT_QUIET;
    if (class == s->armed && !(relative && s->conn.moved))
        return;
    s->armed = class;
    deadline_set(&s->worker->timeouts[class], &s->timeout, now(s->worker));
}

static void run_session(struct session *s)
{
    conn_run(&s->conn);
    if (s->conn.state == CONN_OVER) {
        end_session(s);
        return;
    }
    arm(s);
    set_again(s, s->conn.again);
    struct error err;
    if (!s->conn.again && reactor_want(s->worker->reactor, &s->source, s->conn.want, &err) < 0) {
        log_reason(LOG_LEVEL_ERROR, "watch_failed", err.text);
        s->conn.end = CONN_END_FAILED;
        end_session(s);
    }
}

static void session_ready(struct reactor_source *source)
{
    run_session((struct session *)source);
}

static int make_transport(struct worker *w, const struct handoff *origin, struct transport **ret,
                          struct error *err)
{
    if (origin->listener->tls)
        return transport_tls_new(origin->fd, origin->listener->tls, NULL, w->scratch, ret, err);
    return transport_tcp_new(origin->fd, ret, err);
}

static void refuse(struct worker *w, const char *reason)
{
    atomic_fetch_sub(&w->load, 1);
    log_reason(LOG_LEVEL_ERROR, "connection_refused", reason);
}

static void start_session(struct worker *w, const struct handoff *origin)
{
    struct error err;
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        close(origin->fd);
        refuse(w, "no memory for a connection");
        return;
    }
    struct transport *transport;
    if (make_transport(w, origin, &transport, &err) < 0) {
        free(s);
        refuse(w, err.text);
        return;
    }
    s->worker = w;
    s->origin = *origin;
    s->source = (struct reactor_source){.fd = origin->fd, .ready = session_ready};
    s->start_us = now(w);
    s->armed = CONN_TIMEOUTS;
    conn_init(&s->conn, transport, origin->listener->service, &w->pool);
    TAILQ_INSERT_TAIL(&w->all, s, in_all);
    deadline_set(&w->lifetimes, &s->lifetime, s->start_us);
    run_session(s);
}

/* Starts what has been handed over; false if nothing is left in the pipe. */
static bool take_handoffs(struct worker *w)
{
    struct handoff arrived[WORKER_HANDOFFS_MAX];
    ssize_t n = read(w->handoffs.fd, arrived, sizeof arrived);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof arrived[0]; i++)
        start_session(w, &arrived[i]);
    return n == (ssize_t)sizeof arrived;
}

static void handoffs_ready(struct reactor_source *source)
{
    take_handoffs((struct worker *)((char *)source - offsetof(struct worker, handoffs)));
}

static void run_again(struct worker *w)
{
    struct session_list turn = TAILQ_HEAD_INITIALIZER(turn);
    TAILQ_CONCAT(&turn, &w->again, in_again);
    struct session *s;
    while ((s = TAILQ_FIRST(&turn))) {
        TAILQ_REMOVE(&turn, s, in_again);
        s->again = false;
        run_session(s);
    }
}

static struct session *of_timeout(struct deadline *d)
{
    return (struct session *)((char *)d - offsetof(struct session, timeout));
}

static struct session *of_lifetime(struct deadline *d)
{
    return (struct session *)((char *)d - offsetof(struct session, lifetime));
}

static void expire(struct worker *w)
{
    struct deadline *d;
    for (int class = 0; class < CONN_TIMEOUTS; class ++)
        while ((d = deadline_pop(&w->timeouts[class], now(w)))) {
            conn_expire(&of_timeout(d)->conn);
            run_session(of_timeout(d));
        }
    while ((d = deadline_pop(&w->lifetimes, now(w)))) {
        conn_finish(&of_lifetime(d)->conn, CONN_END_LIFETIME);
        run_session(of_lifetime(d));
    }
}

static int turn_timeout_ms(struct worker *w)
{
    if (!TAILQ_EMPTY(&w->again))
        return 0;
    uint64_t due_us = deadline_next_us(&w->lifetimes);
    for (int class = 0; class < CONN_TIMEOUTS; class ++) {
        uint64_t next_us = deadline_next_us(&w->timeouts[class]);
        due_us = next_us < due_us ? next_us : due_us;
    }
    return clock_poll_ms(now(w), due_us);
}

static void tell(struct session *s, enum worker_order order)
{
    switch (order) {
    case WORKER_SERVE:
        break;
    case WORKER_DRAIN:
        conn_drain(&s->conn);
        arm(s);
        break;
    case WORKER_FINISH:
        conn_finish(&s->conn, CONN_END_DRAINED);
        run_session(s);
        break;
    case WORKER_STOP:
        if (s->conn.end == CONN_END_NONE)
            s->conn.end = CONN_END_STOPPED;
        end_session(s);
        break;
    }
}

/* Nothing is handed over after an order, but the pipe may still hold what was before. */
static void obey(struct worker *w)
{
    enum worker_order order = (enum worker_order)atomic_load(&w->order);
    if (order == w->obeyed)
        return;
    while (take_handoffs(w))
        ;
    w->obeyed = order;
    for (struct session *s = TAILQ_FIRST(&w->all), *next; s; s = next) {
        next = TAILQ_NEXT(s, in_all);
        tell(s, order);
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    while (w->obeyed == WORKER_SERVE || atomic_load(&w->load) > 0) {
        int timeout_ms = turn_timeout_ms(w);
        w->now_us = 0;
        reactor_turn(w->reactor, timeout_ms);
        run_again(w);
        expire(w);
        obey(w);
    }
    atomic_store(&w->ended, true);
    reactor_wake(w->owner);
    return NULL;
}

static void init_deadlines(struct worker *w)
{
    const struct config *config = w->settings->config;
    const uint64_t after_ms[CONN_TIMEOUTS] = {
        [CONN_TIMEOUT_HANDSHAKE] = config->timeouts_ms.handshake,
        [CONN_TIMEOUT_IDLE] = config->timeouts_ms.idle,
        [CONN_TIMEOUT_WRITE] = config->timeouts_ms.write,
        [CONN_TIMEOUT_QUIET] = QUIET_MS,
        [CONN_TIMEOUT_LINGER] = config->timeouts_ms.linger,
    };
    for (int class = 0; class < CONN_TIMEOUTS; class ++)
        deadline_queue_init(&w->timeouts[class], after_ms[class] * 1000);
    deadline_queue_init(&w->lifetimes, config->timeouts_ms.lifetime * 1000);
}

static int init(struct worker *w, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_sys(err, "make a worker's pipe");
    w->handoffs = (struct reactor_source){.fd = ends[0], .ready = handoffs_ready};
    w->handoffs_in = ends[1];
    w->scratch = tls_scratch_new();
    if (!w->scratch)
        return error_sys(err, "make a worker");
    if (reactor_new(&w->reactor, err) < 0)
        return -1;
    return reactor_want(w->reactor, &w->handoffs, WANT_READ, err);
}

static void worker_free(struct worker *worker)
{
    if (worker->handoffs.fd >= 0)
        close(worker->handoffs.fd);
    if (worker->handoffs_in >= 0)
        close(worker->handoffs_in);
    reactor_free(worker->reactor);
    tls_scratch_free(worker->scratch);
    pool_done(&worker->pool);
    free(worker);
}

int worker_new(const struct settings *settings, struct reactor *owner, struct worker **ret,
               struct error *err)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return error_sys(err, "make a worker");
    w->settings = settings;
    w->owner = owner;
    w->handoffs.fd = w->handoffs_in = -1;
    TAILQ_INIT(&w->all);
    TAILQ_INIT(&w->again);
    pool_init(&w->pool, settings->config->limits.buffer_bytes);
    init_deadlines(w);
    if (init(w, err) < 0 || thread_start(&w->thread, "worker", work, w, err) < 0) {
        worker_free(w);
        return -1;
    }
    *ret = w;
    return 0;
}

size_t worker_hand_over(struct worker *worker, const struct handoff *handoffs, size_t count)
{
    assert(count <= WORKER_HANDOFFS_MAX);
    atomic_fetch_add(&worker->load, (unsigned)count);
    ssize_t n = write(worker->handoffs_in, handoffs, count * sizeof handoffs[0]);
    if (n > 0)
        return count;
    atomic_fetch_sub(&worker->load, (unsigned)count);
    return 0;
}

unsigned worker_load(const struct worker *worker)
{
    return atomic_load(&worker->load);
}

void worker_order(struct worker *worker, enum worker_order order)
{
    atomic_store(&worker->order, (int)order);
    reactor_wake(worker->reactor);
}

bool worker_ended(const struct worker *worker)
{
    return atomic_load(&worker->ended);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    worker_free(worker);
}
