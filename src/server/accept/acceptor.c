/* SPDX-License-Identifier: MIT */
#include "acceptor_internal.h"

#include <stdlib.h>

#include "tlsecho/base/container_of.h"
#include "tlsecho/base/thread.h"
#include "tlsecho/server/descriptors.h"

/* -- in its own thread, or its host's -- */

static void replace(struct acceptor *a)
{
    acceptor_accept_waiting(a);
    acceptor_set_interest(a, WANT_NOTHING);
    a->snapshot = a->next_snapshot;
    a->listen_set = a->next_listen_set;
    admission_limit(a->admission, a->snapshot->config);
    acceptor_attach(a);
    acceptor_set_interest(a, WANT_READ);
}

static void end(struct acceptor *a)
{
    acceptor_accept_waiting(a);
    acceptor_flush_log(a, UINT64_MAX);
    acceptor_set_interest(a, WANT_NOTHING);
}

static int begin(struct acceptor *a, struct error *err)
{
    reserve_fd_open(&a->reserve);
    a->reserve_fd = descriptors_reserve_fd();
    admission_limit(a->admission, a->snapshot->config);
    acceptor_attach(a);
    for (size_t i = 0; i < a->listen_set.count; i++)
        if (reactor_want(a->reactor, &a->listen_set.sockets[i].source, WANT_READ, err) < 0) {
            acceptor_set_interest(a, WANT_NOTHING);
            return -1;
        }
    return 0;
}

/* -- a thread of its own -- */

static void take_replacement(struct acceptor *a)
{
    pthread_mutex_lock(&a->mutex);
    if (a->next_snapshot) {
        replace(a);
        a->next_snapshot = NULL;
        pthread_cond_signal(&a->replaced);
    }
    pthread_mutex_unlock(&a->mutex);
}

static void *accept_all(void *argument)
{
    struct acceptor *a = argument;
    while (!atomic_load(&a->stopping)) {
        reactor_alarm(a->reactor, acceptor_due_us(a));
        reactor_turn(a->reactor, REACTOR_WAIT);
        acceptor_follow(a);
        take_replacement(a);
    }
    end(a);
    return NULL;
}

static int start_thread(struct acceptor *a, struct error *err)
{
    if (reactor_new(&a->reactor, err) < 0)
        return -1;
    if (begin(a, err) == 0 && thread_start(&a->thread, "acceptor", accept_all, a, err) == 0)
        return 0;
    reactor_free(a->reactor);
    return -1;
}

static void stop_thread(struct acceptor *a)
{
    atomic_store(&a->stopping, true);
    reactor_wake(a->reactor);
    pthread_join(a->thread, NULL);
    reactor_free(a->reactor);
}

static void replace_in_thread(struct acceptor *a, const struct config_snapshot *snapshot,
                              const struct listen_set *listen_set)
{
    pthread_mutex_lock(&a->mutex);
    a->next_snapshot = snapshot;
    a->next_listen_set = *listen_set;
    reactor_wake(a->reactor);
    while (a->next_snapshot)
        pthread_cond_wait(&a->replaced, &a->mutex);
    pthread_mutex_unlock(&a->mutex);
}

/* -- a guest of the only worker -- */

static void run_guest(struct worker_guest *guest)
{
    struct acceptor *a = container_of(guest, struct acceptor, guest);
    acceptor_follow(a);
    guest->due_us = acceptor_due_us(a);
}

struct start {
    struct acceptor *acceptor;
    struct error *err;
    int result;
};

static void start_guest(struct worker *host, void *argument)
{
    struct start *start = argument;
    start->result = begin(start->acceptor, start->err);
    if (start->result == 0)
        worker_host(host, &start->acceptor->guest);
}

static void stop_guest(struct worker *host, void *argument)
{
    end(argument);
    worker_host(host, NULL);
}

static void replace_guest(struct worker *host, void *argument)
{
    (void)host;
    struct acceptor *a = argument;
    replace(a);
    a->guest.due_us = acceptor_due_us(a);
}

static int visit(struct acceptor *a, struct error *err)
{
    a->host = a->workers[0];
    a->reactor = worker_reactor(a->host);
    a->guest = (struct worker_guest){.run = run_guest, .due_us = UINT64_MAX};
    struct start start = {.acceptor = a, .err = err};
    worker_call(a->host, start_guest, &start);
    return start.result;
}

/* -- the caller's thread -- */

static void acceptor_free(struct acceptor *a)
{
    reserve_fd_close(&a->reserve);
    pthread_cond_destroy(&a->replaced);
    pthread_mutex_destroy(&a->mutex);
    free(a->outgoing);
    free(a);
}

static int start(struct acceptor *a, struct error *err)
{
    a->outgoing = calloc(a->worker_count, sizeof *a->outgoing);
    if (!a->outgoing)
        return error_sys(err, "create the acceptor");
    return a->worker_count == 1 ? visit(a, err) : start_thread(a, err);
}

int acceptor_new(const struct acceptor_plan *plan, struct acceptor **ret, struct error *err)
{
    struct acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return error_sys(err, "create the acceptor");
    a->snapshot = plan->snapshot;
    a->listen_set = plan->listen_set;
    a->admission = plan->admission;
    a->reserve.fd = -1;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->replaced, NULL);
    a->workers = plan->workers;
    a->worker_count = plan->worker_count;
    a->resume_us = UINT64_MAX;
    if (start(a, err) < 0) {
        acceptor_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void acceptor_replace(struct acceptor *acceptor, const struct config_snapshot *snapshot,
                      const struct listen_set *listen_set)
{
    if (!acceptor->host) {
        replace_in_thread(acceptor, snapshot, listen_set);
        return;
    }
    acceptor->next_snapshot = snapshot; /* the host does not look at these before */
    acceptor->next_listen_set = *listen_set;
    worker_call(acceptor->host, replace_guest, acceptor);
}

struct reactor *acceptor_reactor(struct acceptor *acceptor)
{
    return acceptor->host ? NULL : acceptor->reactor;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (acceptor->host)
        worker_call(acceptor->host, stop_guest, acceptor);
    else
        stop_thread(acceptor);
    acceptor_free(acceptor);
}
