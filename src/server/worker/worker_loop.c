/* SPDX-License-Identifier: MIT */
#include "worker_loop.h"

#include "conn_log.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"
#include "worker_conn.h"

enum {
    RUN_TURN = 128,            /* connections run per turn, as many as the reactor's events */
    LIST_TURN = 32,            /* connections listed per turn */
    LIST_PAUSE_US = 10 * 1000, /* while the log queue has no room */
};

void worker_loop_init(struct worker_loop *loop)
{
    TAILQ_INIT(&loop->all);
    TAILQ_INIT(&loop->runnable);
    TAILQ_INIT(&loop->handshakes);
    loop->log_flush_us = UINT64_MAX;
}

void worker_loop_done(struct worker_loop *loop)
{
    generation_drop_all(&loop->newest);
    conn_log_flush(UINT64_MAX);
}

void worker_loop_run_runnable(struct worker_loop *loop)
{
    if (TAILQ_EMPTY(&loop->runnable))
        return;
    struct worker_conn_list turn = TAILQ_HEAD_INITIALIZER(turn);
    TAILQ_CONCAT(&turn, &loop->runnable, in_runnable);
    struct worker_conn *s;
    for (int n = 0; n < RUN_TURN && (s = TAILQ_FIRST(&turn)); n++) {
        TAILQ_REMOVE(&turn, s, in_runnable);
        s->runnable = false;
        worker_conn_run(s);
    }
    TAILQ_CONCAT(&turn, &loop->runnable, in_runnable); /* after those that still wait */
    TAILQ_CONCAT(&loop->runnable, &turn, in_runnable);
}

static struct worker_conn *of_timeout(struct deadline *d)
{
    return container_of(d, struct worker_conn, timeout);
}

static struct worker_conn *of_lifetime(struct deadline *d)
{
    return container_of(d, struct worker_conn, lifetime);
}

/* Handles one expired time-out of any class; false if there is none. */
static bool expire_one(struct worker_loop *loop, struct generation *g)
{
    uint64_t now_us = worker_loop_now_us(loop);
    struct deadline *d;
    for (int kind = 0; kind < CONN_TIMEOUTS; kind++)
        if ((d = deadline_pop(&g->timeouts[kind], now_us))) {
            worker_conn_expire(of_timeout(d));
            return true;
        }
    if ((d = deadline_pop(&g->lifetimes, now_us))) {
        conn_finish(&of_lifetime(d)->conn, CONN_END_LIFETIME);
        worker_conn_run(of_lifetime(d));
        return true;
    }
    return false;
}

/* The end of a connection may free its generation, so each step restarts from the newest. */
void worker_loop_expire(struct worker_loop *loop)
{
    struct generation *g = loop->newest;
    while (g)
        g = expire_one(loop, g) ? loop->newest : g->older;
    if (worker_loop_now_us(loop) >= loop->log_flush_us)
        loop->log_flush_us = conn_log_flush(worker_loop_now_us(loop));
}

bool worker_loop_is_busy(const struct worker_loop *loop)
{
    return !TAILQ_EMPTY(&loop->runnable) || (loop->next_listed && log_has_room());
}

uint64_t worker_loop_due_us(struct worker_loop *loop)
{
    uint64_t due_us = loop->log_flush_us;
    if (loop->next_listed && worker_loop_now_us(loop) + LIST_PAUSE_US < due_us)
        due_us = worker_loop_now_us(loop) + LIST_PAUSE_US;
    uint64_t expiry_us = generation_due_us(loop->newest);
    return expiry_us < due_us ? expiry_us : due_us;
}

void worker_loop_list(struct worker_loop *loop)
{
    if (loop->next_listed)
        return;
    loop->next_listed = TAILQ_FIRST(&loop->all);
    loop->listed_until_us = worker_loop_now_us(loop);
}

/* `all` is in the order of their start. */
void worker_loop_list_some(struct worker_loop *loop)
{
    for (int i = 0; i < LIST_TURN && loop->next_listed && log_has_room(); i++) {
        struct worker_conn *s = loop->next_listed;
        if (s->start_us > loop->listed_until_us) {
            loop->next_listed = NULL;
            return;
        }
        uint64_t now_us = worker_loop_now_us(loop);
        conn_log_live(&s->conn, &s->origin, now_us - s->start_us, now_us - s->last_activity_us);
        loop->next_listed = TAILQ_NEXT(s, in_all);
    }
}

void worker_loop_drain(struct worker_loop *loop)
{
    struct worker_conn *s;
    TAILQ_FOREACH(s, &loop->all, in_all)
    {
        worker_conn_drain(s);
    }
}

/* run may free this connection, but no other. */
void worker_loop_finish(struct worker_loop *loop)
{
    for (struct worker_conn *s = TAILQ_FIRST(&loop->all), *next; s; s = next) {
        next = TAILQ_NEXT(s, in_all);
        conn_finish(&s->conn, CONN_END_DRAINED);
        worker_conn_run(s);
    }
}

void worker_loop_stop(struct worker_loop *loop)
{
    for (struct worker_conn *s = TAILQ_FIRST(&loop->all), *next; s; s = next) {
        next = TAILQ_NEXT(s, in_all);
        worker_conn_abort(s, CONN_END_STOPPED);
    }
}
