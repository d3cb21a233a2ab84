/* SPDX-License-Identifier: MIT */
/* Replaces the snapshot in force, all or nothing. */
#include <stdlib.h>
#include <string.h>

#include "server_internal.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/config_load.h"
#include "tlsecho/server/privilege.h"

#define UNTIL_RESTART    ": restart the server to apply it"
#define SECOND_US        UINT64_C(1000000)
#define DELAY_US_FIRST   SECOND_US
#define DELAY_US_LONGEST (60 * SECOND_US)

/* Logs what differs from the start and needs another one; whether anything does. */
static bool log_restart_needed(const struct config *started, const struct config *next)
{
    const struct {
        bool changed;
        const char *reason;
    } keys[] = {
        {started->workers != next->workers, "workers has changed" UNTIL_RESTART},
        {strcmp(started->security.user.value, next->security.user.value) != 0,
         "security.user has changed" UNTIL_RESTART},
        {strcmp(started->security.group.value, next->security.group.value) != 0,
         "security.group has changed" UNTIL_RESTART},
        {started->security.sandbox != next->security.sandbox,
         "security.sandbox has changed" UNTIL_RESTART},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].changed) {
            log_reason(LOG_LEVEL_WARNING, "restart_needed", keys[i].reason);
            any = true;
        }
    return any;
}

/* The last step that can fail; then listen_set is closed. */
static int prepare_datagrams(struct server *s, struct listen_set *listen_set,
                             struct datagrams_plan *ret, struct error *err)
{
    if (datagrams_prepare(&s->datagrams, listen_set, ret, err) == 0)
        return 0;
    listen_set_close(listen_set, &s->listen_set);
    return -1;
}

/* Nothing can fail any more. Takes over next, listen_set and the plan. */
static void put_in_force(struct server *s, enum reload_kind kind,
                         const struct config_snapshot *next, struct listen_set *listen_set,
                         struct datagrams_plan *datagrams)
{
    const struct listen_set streams = listen_set_for_streams(listen_set);
    const struct listen_set admin = listen_set_for_admin(listen_set);
    listen_set_update(listen_set, next->config);
    server_adopt_metrics(s, next, listen_set);
    admin_listen(s->admin, &admin);
    acceptor_replace(s->acceptor, next, &streams);
    datagrams_serve(&s->datagrams, listen_set, datagrams);
    listen_set_close(&s->listen_set, listen_set);
    s->listen_set = *listen_set;
    bool restart = log_restart_needed(s->started, next->config);
    config_snapshot_free(s->snapshot);
    s->snapshot = next;
    s->loaded_stamp = s->seen_stamp = next->stamp;
    s->reload.delay_us = 0;

    log_set(next->config->log.level, next->config->log.format);
    log_identify(&next->config->identity.effective);
    server_announce(s);
    log_reason(LOG_LEVEL_INFO, "reloaded",
               restart ? "in force for new connections, except what needs a restart"
                       : "in force for new connections");
    if (kind == RELOAD_CONFIGURATION)
        reload_status_reloaded(&s->reload_status);
    service_manager_ready(&s->manager, s->listen_set.count, s->worker_count);
}

/* Nothing changes, and the reason is reported. */
static void refuse(struct server *s, enum reload_kind kind, struct error *err)
{
    struct reload *r = &s->reload;
    bool temporary = error_is_temporary(err);
    if (s->given_up)
        privilege_explain(false, err);
    metrics_count_refused_reload(&s->metrics);
    service_manager_refused(&s->manager, err->text);
    if (kind == RELOAD_CONFIGURATION)
        reload_status_refused(&s->reload_status, err->text);
    if (temporary) {
        uint64_t longer_us = r->delay_us ? 2 * r->delay_us : DELAY_US_FIRST;
        r->delay_us = longer_us < DELAY_US_LONGEST ? longer_us : DELAY_US_LONGEST;
        r->again = kind;
        r->again_us = clock_now_us() + r->delay_us;
    }
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_ERROR, "reload_refused"))
        return;
    if (temporary)
        log_seconds(&line, "retry_in", r->delay_us);
    log_text(&line, "reason", err->text);
    log_end(&line);
}

bool server_reload_is_under_way(const struct server *s)
{
    return s->reload.next != NULL;
}

/* Frees the reload under way, except its snapshot. */
static void end_lookups(struct reload *r)
{
    lookups_free(r->lookups);
    free(r->specs);
    r->lookups = NULL;
    r->specs = NULL;
    r->next = NULL;
}

void server_reload_abandon(struct server *s)
{
    const struct config_snapshot *next = s->reload.next;
    end_lookups(&s->reload);
    config_snapshot_free(next);
}

void server_reload_refuse_stopping(struct server *s)
{
    static const char why[] = "the server is stopping";
    if (!s->reload_wanted && !server_reload_is_under_way(s))
        return;
    if (s->reload_wanted)
        reload_status_begin(&s->reload_status);
    s->reload_wanted = false;
    server_reload_abandon(s);
    metrics_count_refused_reload(&s->metrics);
    reload_status_refused(&s->reload_status, why);
    log_reason(LOG_LEVEL_WARNING, "reload_refused", why);
}

static int read_configuration(struct server *s, const struct config_snapshot **ret,
                              struct error *err)
{
    struct config *config;
    if (config_load_again(s->snapshot->config, &config, err) < 0)
        return -1;
    return config_snapshot_new(config, s->snapshot->state_directory, ret, err);
}

static int look_up(struct server *s, struct error *err)
{
    struct reload *r = &s->reload;
    if (listen_set_specs(r->next, &r->specs, &r->spec_count, err) < 0)
        return -1;
    const struct lookups_plan plan = {.specs = r->specs,
                                      .count = r->spec_count,
                                      .existing = &s->listen_set,
                                      .reactor = s->reactor};
    return lookups_start(&plan, &r->lookups, err);
}

static void begin(struct server *s, const char *reason)
{
    log_reason(LOG_LEVEL_INFO, "reloading", reason);
    service_manager_reloading(&s->manager);
    s->reload.again_us = UINT64_MAX;
}

static void reload_configuration(struct server *s, const char *reason)
{
    struct error err;
    server_reload_abandon(s);
    begin(s, reason);
    if (read_configuration(s, &s->reload.next, &err) == 0 && look_up(s, &err) == 0) {
        server_reload_continue(s);
        return;
    }
    server_reload_abandon(s);
    refuse(s, RELOAD_CONFIGURATION, &err);
}

/* Does not read the configuration, which may be half edited. */
static void reload_files(struct server *s, const char *reason)
{
    struct error err;
    const struct config_snapshot *next = NULL;
    struct listen_set listen_set;
    struct datagrams_plan datagrams;
    begin(s, reason);
    if (config_snapshot_new(config_ref(s->snapshot->config), s->snapshot->state_directory, &next,
                            &err) == 0 &&
        listen_set_copy(&s->listen_set, next, &listen_set, &err) == 0 &&
        prepare_datagrams(s, &listen_set, &datagrams, &err) == 0) {
        put_in_force(s, RELOAD_FILES, next, &listen_set, &datagrams);
        return;
    }
    config_snapshot_free(next);
    refuse(s, RELOAD_FILES, &err);
}

void server_reload_configuration(struct server *s, const char *reason)
{
    s->reload.delay_us = 0;
    reload_status_begin(&s->reload_status);
    reload_configuration(s, reason);
}

void server_reload_files(struct server *s, const char *reason)
{
    s->reload.delay_us = 0;
    reload_files(s, reason);
}

static void finish(struct server *s)
{
    struct reload *r = &s->reload;
    const struct config_snapshot *next = r->next;
    struct listen_set listen_set;
    struct datagrams_plan datagrams;
    struct error err;
    int result = lookups_take(r->lookups, &err);
    if (result == 0)
        result = listen_set_open(r->specs, r->spec_count, &s->listen_set, &listen_set, &err);
    end_lookups(r);
    if (result == 0)
        result = prepare_datagrams(s, &listen_set, &datagrams, &err);
    if (result == 0) {
        put_in_force(s, RELOAD_CONFIGURATION, next, &listen_set, &datagrams);
        return;
    }
    config_snapshot_free(next);
    refuse(s, RELOAD_CONFIGURATION, &err);
}

void server_reload_continue(struct server *s)
{
    static const char reason[] = "retry after a temporary error";
    if (server_reload_is_under_way(s)) {
        if (lookups_done(s->reload.lookups))
            finish(s);
    } else if (clock_now_us() >= s->reload.again_us) {
        if (s->reload.again == RELOAD_CONFIGURATION)
            reload_configuration(s, reason);
        else
            reload_files(s, reason);
    }
}

uint64_t server_reload_due_us(const struct server *s)
{
    return server_reload_is_under_way(s) ? UINT64_MAX : s->reload.again_us;
}
