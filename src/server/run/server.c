/* SPDX-License-Identifier: MIT */
#include "server_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/announce.h"
#include "tlsecho/server/config_stamp.h"
#include "tlsecho/server/descriptors.h"
#include "tlsecho/server/expiry.h"

enum { WATCH_EVERY_MS = 250 };

#define DAY_US     (24ULL * 3600 * 1000 * 1000)
#define RENEWAL_US (600ULL * 1000 * 1000)

void server_turn(struct server *s, uint64_t due_us)
{
    reactor_alarm(s->reactor, due_us);
    reactor_alarm(s->reactor, s->manager.feed_us);
    if (s->admin)
        reactor_alarm(s->reactor, admin_due_us(s->admin));
    reactor_turn(s->reactor, REACTOR_WAIT);
    if (s->admin)
        admin_expire(s->admin);
    service_manager_feed(&s->manager);
}

void server_adopt_metrics(struct server *s, const struct config_snapshot *snapshot,
                          struct listen_set *listen_set)
{
    metrics_adopt(&s->metrics, snapshot);
    for (size_t i = 0; i < listen_set->count; i++) {
        struct listen_socket *socket = &listen_set->sockets[i];
        if (socket->listener)
            socket->slot = metrics_slot(&s->metrics, socket->listener->config);
    }
}

static void announce_descriptors(const struct server *s)
{
    enum { OF_ITS_OWN = 25, OF_A_WORKER = 7 };
    descriptors_check(s->descriptors, s->snapshot->config,
                      OF_ITS_OWN + s->listen_set.count + OF_A_WORKER * s->worker_count);
}

void server_announce(const struct server *s)
{
    announce_certificates(s->snapshot);
    announce_warnings(s->snapshot);
    expiry_log(s->snapshot);
    announce_listening(&s->listen_set);
    announce_descriptors(s);
}

/* Reloads once the files have not changed between two checks, WATCH_EVERY_MS apart at least. */
static void watch_files(struct server *s)
{
    if (clock_now_us() < s->look_us)
        return;
    s->look_us = clock_now_us() + WATCH_EVERY_MS * UINT64_C(1000);
    uint64_t stamp = config_stamp(s->snapshot->config);
    bool still = stamp == s->seen_stamp;
    s->seen_stamp = stamp;
    if (!still || stamp == s->loaded_stamp)
        return;
    s->loaded_stamp = stamp;
    server_reload_files(s, "a file named in the configuration has changed");
}

/* Warns once a day of what expires. Self-signed certificates are checked more often: the clock may
 * have been wrong when they were created, as on a machine that has just booted. */
static void check_dates(struct server *s)
{
    uint64_t now_us = clock_now_us();
    if (now_us >= s->daily_us) {
        s->daily_us = now_us + DAY_US;
        expiry_log(s->snapshot);
    }
    if (now_us < s->renewal_us)
        return;
    s->renewal_us = now_us + RENEWAL_US;
    if (expiry_is_ours(s->snapshot))
        server_reload_files(s, "a self-signed certificate expires soon, or is not valid yet");
}

static uint64_t due_us(const struct server *s)
{
    uint64_t due_us = server_reload_due_us(s);
    if (s->renewal_us < due_us)
        due_us = s->renewal_us;
    return s->snapshot->config->watch && s->look_us < due_us ? s->look_us : due_us;
}

static void serve(struct server *s)
{
    s->daily_us = clock_now_us() + DAY_US;
    s->renewal_us = clock_now_us() + RENEWAL_US;
    while (s->stop_signals == 0) {
        server_turn(s, due_us(s));
        if (s->stop_signals > 0)
            break;
        if (s->reload_wanted)
            server_reload_configuration(s, "SIGHUP");
        s->reload_wanted = false;
        server_reload_continue(s);
        if (server_reload_is_under_way(s))
            continue; /* it reads all files anyway */
        if (s->snapshot->config->watch)
            watch_files(s);
        check_dates(s);
    }
}

int server_run(const struct config_snapshot *draft, const char *state_directory, struct error *err)
{
    struct server s = {.snapshot = draft,
                       .started = config_ref(draft->config),
                       .signals = {.fd = -1},
                       .reload.again_us = UINT64_MAX};
    metrics_init(&s.metrics);
    int result = server_start(&s, state_directory, err);
    if (result == 0 && s.stop_signals == 0) {
        server_announce(&s);
        admin_set_ready(s.admin, true);
        struct log_line line;
        if (log_begin(&line, LOG_LEVEL_INFO, "ready")) {
            log_number(&line, "workers", s.worker_count);
            log_end(&line);
        }
        service_manager_ready(&s.manager, s.listen_set.count, s.worker_count);
        serve(&s);
    }
    server_stop(&s, result < 0 ? err->text : NULL);
    config_snapshot_free(s.snapshot);
    config_free(s.started);
    if (result == 0)
        log_reason(LOG_LEVEL_INFO, "stopped", server_signal_name(s.stop_signal));
    return result;
}
