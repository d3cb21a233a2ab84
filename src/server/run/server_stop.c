/* SPDX-License-Identifier: MIT */
/* Stop: the lame duck, then no new connections; open ones drain, and everything is freed. */
#include <stdlib.h>
#include <unistd.h>

#include "server_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"

/* A turn of the loop. */
static void turn(struct server *s, uint64_t due_us)
{
    server_turn(s, due_us);
    server_reload_refuse_stopping(s);
}

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
        turn(s, due_us);
}

/* ms 0: never. */
static uint64_t after_us(uint64_t ms)
{
    return ms ? clock_now_us() + ms * 1000 : UINT64_MAX;
}

/* An orderly close has timeouts.linger; without one, timeouts.drain once more. */
static uint64_t finish_ms(const struct config *config)
{
    return config->timeouts_ms.linger ? config->timeouts_ms.linger : config->timeouts_ms.drain;
}

/* How long it may take to stop after a signal; 0 = there is no limit. */
static uint64_t stop_ms(const struct config *config)
{
    if (config->timeouts_ms.drain == 0)
        return 0;
    return config->timeouts_ms.lame_duck + config->timeouts_ms.drain + finish_ms(config);
}

/* Load balancers see in /readyz that it stops before connections to it are refused. */
static void lame_duck(struct server *s)
{
    uint64_t ms = s->snapshot->config->timeouts_ms.lame_duck;
    if (ms == 0 || s->stop_signals != 1)
        return;
    struct log_line line;
    if (log_begin(&line, LOG_LEVEL_INFO, "lame_duck")) {
        log_seconds(&line, "duration", ms * 1000);
        log_text(&line, "reason", "still accepting connections, for timeouts.lame_duck");
        log_end(&line);
    }
    worker_group_stop_soon(s->worker_group);
    uint64_t due_us = after_us(ms);
    while (s->stop_signals < 2 && clock_now_us() < due_us)
        turn(s, due_us);
}

/* Those of a service manager: nobody accepts from them, and nobody is refused. */
static void announce_inherited(const struct listen_set *listen_set)
{
    uint64_t count = 0;
    for (size_t i = 0; i < listen_set->count; i++)
        count += listen_set->sockets[i].fd_name[0] != '\0';
    struct log_line line;
    if (count == 0 || !log_begin(&line, LOG_LEVEL_INFO, "sockets_stay_open"))
        return;
    log_number(&line, "sockets", count);
    log_text(&line, "reason",
             "they belong to the service manager: later connections wait for the next start");
    log_end(&line);
}

static void drain(struct server *s)
{
    const struct config *config = s->snapshot->config;
    order_all(s, WORKER_DRAIN);
    wait_for_workers(s, after_us(config->timeouts_ms.drain), 2);
    if (s->stop_signals > 1)
        return;
    order_all(s, WORKER_FINISH);
    wait_for_workers(s, after_us(finish_ms(config)), 2);
}

static void stop_accepting(struct server *s)
{
    if (!s->acceptor)
        return;
    heartbeat_forget(&s->manager.heartbeat, acceptor_reactor(s->acceptor));
    acceptor_stop(s->acceptor);
    announce_inherited(&s->listen_set);
}

void server_stop(struct server *s, const char *why)
{
    service_manager_stopping(&s->manager, why, why ? 0 : stop_ms(s->snapshot->config));
    if (s->admin)
        admin_set_ready(s->admin, false);
    if (s->stop_signals > 0)
        server_reload_refuse_stopping(s);
    if (s->acceptor)
        lame_duck(s);
    stop_accepting(s);
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
