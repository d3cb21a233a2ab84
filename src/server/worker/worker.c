/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/worker.h"

#include <stdlib.h>

#include "handoff_queue.h"
#include "tlsecho/base/thread.h"
#include "tlsecho/tls/tls_scratch.h"
#include "tlsecho/tls/transport_tls.h"
#include "worker_conn.h"
#include "worker_dtls.h"
#include "worker_loop.h"

struct worker {
    struct worker_loop loop;
    struct handoff_queue handoffs;
    pthread_t thread;
    struct reactor *owner;           /* woken when the thread ends */
    enum worker_order current_order; /* carried out last */
    atomic_int order;
    atomic_uint requests; /* WORKER_REQUEST_*, set by other threads */
    atomic_bool ended;
    struct datagram_server *datagrams; /* NULL = it never had any */
    struct worker_dtls *dtls;
    bool had_dtls;              /* listeners of it */
    struct worker_guest *guest; /* NULL = none */
    pthread_mutex_t mutex;      /* guards call */
    pthread_cond_t called;
    struct call *call; /* NULL = none */
};

/* What another thread waits for. */
struct call {
    void (*function)(struct worker *worker, void *argument);
    void *argument;
};

/* Makes its thread carry out a request. */
static void request(struct worker *w, unsigned what)
{
    if (!(atomic_fetch_or(&w->requests, what) & what)) /* else it has been woken for it */
        reactor_wake(w->loop.reactor);
}

/* Starts some of the connections that were handed over; true if there are more. */
static bool take_handoffs(struct worker *w)
{
    struct handoff arrived[WORKER_HANDOFFS_MAX];
    bool more;
    size_t n = handoff_queue_take(&w->handoffs, arrived, &more);
    for (size_t i = 0; i < n; i++)
        worker_conn_start(&w->loop, &arrived[i]);
    return more;
}

static void carry_out(struct worker_loop *loop, enum worker_order order)
{
    switch (order) {
    case WORKER_SERVE:
        break;
    case WORKER_DRAIN:
        worker_loop_drain(loop);
        break;
    case WORKER_FINISH:
        worker_loop_finish(loop);
        break;
    case WORKER_STOP:
        worker_loop_stop(loop);
        break;
    }
}

/* Nothing is handed over after an order, but the queue may still hold earlier handoffs. */
static void take_order(struct worker *w)
{
    enum worker_order order = (enum worker_order)atomic_load(&w->order);
    if (order == w->current_order)
        return;
    while (take_handoffs(w))
        ;
    worker_dtls_drain(w->dtls);
    w->current_order = order;
    carry_out(&w->loop, order);
}

static void take_call(struct worker *w)
{
    pthread_mutex_lock(&w->mutex);
    w->call->function(w, w->call->argument);
    w->call = NULL;
    pthread_cond_signal(&w->called);
    pthread_mutex_unlock(&w->mutex);
}

static void do_requests(struct worker *w)
{
    unsigned requests = atomic_exchange(&w->requests, 0);
    if (requests & WORKER_REQUEST_HANDOFFS && take_handoffs(w))
        request(w, WORKER_REQUEST_HANDOFFS);
    if (requests & WORKER_REQUEST_LIST)
        worker_loop_list(&w->loop);
    if (requests & WORKER_REQUEST_TRIM)
        worker_loop_trim_handshakes(&w->loop);
    if (requests & WORKER_REQUEST_CALL)
        take_call(w);
}

static uint64_t due_us(struct worker *w)
{
    uint64_t due_us = worker_loop_due_us(&w->loop);
    uint64_t datagrams_us = w->datagrams ? datagram_server_due_us(w->datagrams) : UINT64_MAX;
    uint64_t dtls_us = w->had_dtls ? worker_dtls_due_us(w->dtls) : UINT64_MAX;
    due_us = datagrams_us < due_us ? datagrams_us : due_us;
    if (w->guest && w->guest->due_us < due_us)
        due_us = w->guest->due_us;
    return dtls_us < due_us ? dtls_us : due_us;
}

static void expire(struct worker *w, uint64_t now_us)
{
    worker_loop_expire(&w->loop);
    if (w->guest && now_us >= w->guest->due_us)
        w->guest->run(w->guest);
    if (w->datagrams)
        datagram_server_expire(w->datagrams, now_us);
    if (w->had_dtls)
        worker_dtls_expire(w->dtls, now_us);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    while (w->current_order == WORKER_SERVE || atomic_load(&w->loop.load) > 0) {
        uint64_t next_us = due_us(w);
        bool busy = worker_loop_is_busy(&w->loop);
        reactor_alarm(w->loop.reactor, next_us);
        w->loop.now_us = 0;
        reactor_turn(w->loop.reactor, busy ? REACTOR_LOOK : REACTOR_WAIT);
        if (atomic_load(&w->requests))
            do_requests(w);
        worker_loop_run_runnable(&w->loop);
        if (worker_loop_now_us(&w->loop) >= next_us)
            expire(w, worker_loop_now_us(&w->loop));
        worker_loop_list_some(&w->loop);
        take_order(w);
    }
    atomic_store(&w->ended, true);
    reactor_wake(w->owner);
    return NULL;
}

static int init(struct worker *w, struct worker_group *group, struct error *err)
{
    handoff_queue_join(&w->handoffs, worker_group_handoffs(group));
    w->loop.scratch = tls_scratch_new();
    w->loop.metrics = metrics_shard_new();
    if (!w->loop.scratch || !w->loop.metrics)
        return error_sys(err, "create a worker");
    if (reactor_new(&w->loop.reactor, err) < 0 ||
        association_table_init(&w->loop.associations, err) < 0 ||
        worker_dtls_new(&w->loop, &w->dtls, err) < 0)
        return -1;
    w->loop.group = group;
    w->loop.member = worker_group_join(group, w->loop.reactor, &w->requests);
    return 0;
}

static void worker_free(struct worker *worker)
{
    worker_loop_done(&worker->loop);
    worker_dtls_free(worker->dtls);
    association_table_done(&worker->loop.associations);
    reactor_free(worker->loop.reactor);
    tls_scratch_free(worker->loop.scratch);
    metrics_shard_free(worker->loop.metrics);
    pthread_cond_destroy(&worker->called);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

int worker_new(struct reactor *owner, struct worker_group *group, struct worker **ret,
               struct error *err)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return error_sys(err, "create a worker");
    w->owner = owner;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->called, NULL);
    worker_loop_init(&w->loop);
    if (init(w, group, err) < 0 || thread_start(&w->thread, "worker", work, w, err) < 0) {
        worker_free(w);
        return -1;
    }
    *ret = w;
    return 0;
}

bool worker_hand_over(struct worker *worker, const struct handoff *handoffs, size_t count)
{
    atomic_fetch_add(&worker->loop.load,
                     (unsigned)count); /* before: the worker may end them before this returns */
    bool added = handoff_queue_add(&worker->handoffs, handoffs, count);
    if (added)
        request(worker, WORKER_REQUEST_HANDOFFS);
    else
        atomic_fetch_sub(&worker->loop.load, (unsigned)count);
    return added;
}

void worker_start(struct worker *worker, const struct handoff *handoff)
{
    atomic_fetch_add(&worker->loop.load, 1);
    worker_conn_start(&worker->loop, handoff);
}

bool worker_wait_for_room(struct worker *worker, int timeout_ms)
{
    return handoff_queues_wait_for_room(worker->handoffs.all, timeout_ms);
}

unsigned worker_load(const struct worker *worker)
{
    return atomic_load(&worker->loop.load);
}

const struct metrics_shard *worker_metrics(const struct worker *worker)
{
    return worker->loop.metrics;
}

void worker_order(struct worker *worker, enum worker_order order)
{
    atomic_store(&worker->order, (int)order);
    reactor_wake(worker->loop.reactor);
}

struct datagram_place worker_datagram_place(struct worker *worker)
{
    return (struct datagram_place){.reactor = worker->loop.reactor,
                                   .metrics = worker->loop.metrics};
}

void worker_call(struct worker *worker, void (*function)(struct worker *worker, void *argument),
                 void *argument)
{
    struct call call = {function, argument};
    pthread_mutex_lock(&worker->mutex);
    worker->call = &call;
    request(worker, WORKER_REQUEST_CALL);
    while (worker->call)
        pthread_cond_wait(&worker->called, &worker->mutex);
    pthread_mutex_unlock(&worker->mutex);
}

void worker_host(struct worker *worker, struct worker_guest *guest)
{
    worker->guest = guest;
}

static void take_datagrams(struct worker *w, void *argument)
{
    const struct worker_datagrams *next = argument;
    w->datagrams = next->server;
    if (w->datagrams)
        datagram_server_replace(w->datagrams, next->set);
    if (!next->keep_dtls)
        worker_dtls_replace(w->dtls, next->dtls);
    w->had_dtls = w->had_dtls || next->dtls;
}

void worker_serve_datagrams(struct worker *worker, struct worker_datagrams *next)
{
    worker_call(worker, take_datagrams, next);
}

void worker_list(struct worker *worker)
{
    request(worker, WORKER_REQUEST_LIST);
}

bool worker_ended(const struct worker *worker)
{
    return atomic_load(&worker->ended);
}

struct reactor *worker_reactor(struct worker *worker)
{
    return worker->loop.reactor;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    worker_free(worker);
}
