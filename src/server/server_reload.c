/* SPDX-License-Identifier: MIT */
/* The settings in force are replaced, all or nothing. */
#include <string.h>

#include "server_internal.h"
#include "tlsecho/log.h"
#include "tlsecho/privilege.h"

/* What stays as it is while the server runs. */
static void tell_what_needs_a_restart(const struct config *running, const struct config *next)
{
    const struct {
        bool changed;
        const char *reason;
    } keys[] = {
        {running->workers != next->workers, "workers has changed"},
        {strcmp(running->security.user.value, next->security.user.value) != 0,
         "security.user has changed"},
        {strcmp(running->security.group.value, next->security.group.value) != 0,
         "security.group has changed"},
        {running->security.sandbox != next->security.sandbox, "security.sandbox has changed"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].changed)
            log_reason(LOG_LEVEL_WARNING, "restart_needed", keys[i].reason);
}

/* Takes config over. On failure everything stays as it was. */
static int replace_settings(struct server *s, struct config *config, struct error *err)
{
    struct settings *next;
    struct listening listening;
    struct admin_address *admin;
    if (settings_new(config, s->settings->state_directory, &next, err) < 0)
        return -1;
    if (admin_open(s->admin, next->config, &admin, err) < 0) {
        settings_free(next);
        return -1;
    }
    if (listening_open(next, &s->listening, &listening, err) < 0) {
        admin_discard(s->admin, admin);
        settings_free(next);
        return -1;
    }
    metrics_adopt(&s->metrics, next);
    admin_listen(s->admin, admin);
    acceptor_replace(s->acceptor, next, &listening);
    listening_close(&s->listening, &listening);
    s->listening = listening;
    tell_what_needs_a_restart(s->settings->config, next->config);
    settings_free(s->settings);
    s->settings = next;
    s->loaded_stamp = s->seen_stamp = next->stamp;
    return 0;
}

int server_read_again(const struct config *config, struct config **ret, struct error *err)
{
    return config->file ? config_load(config->file, ret, err) : config_default(ret, err);
}

/* Brings config into force, unless reading it failed already: `result` and err say so. */
static void reload(struct server *s, struct config *config, int result, struct error *err)
{
    if (result == 0)
        result = replace_settings(s, config, err);
    if (result < 0) {
        if (s->given_up)
            privilege_explain(false, err);
        metrics_count_refused_reload(&s->metrics);
        log_reason(LOG_LEVEL_ERROR, "reload_refused", err->text);
        manager_refused(&s->manager, err->text);
        return;
    }
    log_set((enum log_level)s->settings->config->log.level,
            (enum log_format)s->settings->config->log.format);
    server_announce(s);
    log_reason(LOG_LEVEL_INFO, "reloaded", "everything is in force for new connections");
    manager_ready(&s->manager, s->listening.count, s->worker_count);
}

void server_reload_configuration(struct server *s)
{
    struct error err;
    struct config *config = NULL;
    log_reason(LOG_LEVEL_INFO, "reloading", "SIGHUP");
    manager_reloading(&s->manager);
    int result = server_read_again(s->settings->config, &config, &err);
    reload(s, config, result, &err);
}

/* The configuration stays as it is: it may be in the middle of an edit. */
void server_reload_files(struct server *s, const char *reason)
{
    struct error err;
    log_reason(LOG_LEVEL_INFO, "reloading", reason);
    manager_reloading(&s->manager);
    reload(s, config_ref(s->settings->config), 0, &err);
}
