/* SPDX-License-Identifier: MIT */
/* Stop: no new connections, open ones drain, and everything is freed. */
#include <stdlib.h>
#include <unistd.h>

#include "server_internal.h"
#include "tlsecho/base/clock.h"

static bool all_ended(struct server *s)
{
    bool all = true;
    for (unsigned i = 0; i < s->worker_count; i++)
        if (worker_ended(s->workers[i]))
            heartbeat_forget(&s->manager.heartbeat, worker_reactor(s->workers[i]));
        else
            all = false;
    return all;
}

static void order_all(struct server *s, enum worker_order order)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_order(s->workers[i], order);
}

/* Until every worker has ended, due_us has passed, or there were `stop_signals` signals. */
static void wait_for_workers(struct server *s, uint64_t due_us, unsigned stop_signals)
{
    while (!all_ended(s) && s->stop_signals < stop_signals && clock_now_us() < due_us)
        server_turn(s, due_us);
}

/* ms 0: never. */
static uint64_t after_us(uint64_t ms)
{
    return ms ? clock_now_us() + ms * 1000 : UINT64_MAX;
}

/* An orderly close has timeouts.linger; without one, timeouts.drain once more. */
static void drain(struct server *s)
{
    uint64_t drain_ms = s->snapshot->config->timeouts_ms.drain;
    uint64_t linger_ms = s->snapshot->config->timeouts_ms.linger;
    order_all(s, WORKER_DRAIN);
    wait_for_workers(s, after_us(drain_ms), 2);
    if (s->stop_signals > 1)
        return;
    order_all(s, WORKER_FINISH);
    wait_for_workers(s, after_us(linger_ms ? linger_ms : drain_ms), 2);
}

void server_stop(struct server *s, const char *why)
{
    service_manager_stopping(&s->manager, why);
    if (s->admin)
        admin_set_ready(s->admin, false);
    if (s->acceptor) {
        heartbeat_forget(&s->manager.heartbeat, acceptor_reactor(s->acceptor));
        acceptor_stop(s->acceptor);
    }
    if (server_reload_is_under_way(s))
        reload_status_refused(&s->reload_status, "the server is stopping");
    server_reload_abandon(s);
    datagrams_stop(&s->datagrams);
    listen_set_close_listeners(&s->listen_set);
    if (s->stop_signals > 0)
        drain(s);
    admin_free(s->admin);
    listen_set_close(&s->listen_set, NULL);
    order_all(s, WORKER_STOP);
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_join(s->workers[i]);
    datagrams_done(&s->datagrams);
    metrics_done(&s->metrics);
    free(s->workers);
    worker_group_free(s->worker_group);
    admission_free(s->admission);
    reload_status_close(&s->reload_status);
    service_manager_close(&s->manager);
    if (s->signals.fd >= 0)
        close(s->signals.fd);
    reactor_free(s->reactor);
}
