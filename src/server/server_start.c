/* SPDX-License-Identifier: MIT */
/* From the draft of the settings to threads that serve. */
#include <stdlib.h>

#include "server_internal.h"
#include "tlsecho/announce.h"
#include "tlsecho/cpus.h"
#include "tlsecho/descriptors.h"
#include "tlsecho/inherited.h"
#include "tlsecho/log.h"
#include "tlsecho/privilege.h"

static int start_workers(struct server *s, struct error *err)
{
    const struct config *config = s->settings->config;
    unsigned count = config->workers > 0 ? (unsigned)config->workers : s->cpus;
    s->workers = calloc(count, sizeof(struct worker *));
    if (!s->workers)
        return error_sys(err, "make the workers");
    if (worker_group_new(count, s->admission, &s->worker_group, err) < 0)
        return -1;
    while (s->worker_count < count) {
        if (worker_new(s->reactor, s->worker_group, &s->workers[s->worker_count], err) < 0)
            return -1;
        metrics_add_shard(&s->metrics, worker_metrics(s->workers[s->worker_count]));
        s->worker_count++;
    }
    return 0;
}

/* A signal that asks to stop ends the wait: then nothing is opened. */
static int look_up_and_open(struct server *s, const struct lookups_plan *plan, struct error *err)
{
    struct lookups *lookups;
    if (lookups_start(plan, &lookups, err) < 0)
        return -1;
    while (!lookups_done(lookups) && s->stop_signals == 0)
        server_turn(s, UINT64_MAX);
    int result = 0;
    if (s->stop_signals == 0)
        result = lookups_take(lookups, err);
    if (s->stop_signals == 0 && result == 0)
        result = listening_open(plan->specs, plan->count, plan->held, &s->listening, err);
    lookups_free(lookups);
    return result;
}

static int open_listening(struct server *s, struct error *err)
{
    struct listening inherited;
    struct lookups_plan plan = {.held = &inherited, .reactor = s->reactor};
    if (inherited_take(&inherited, err) < 0)
        return -1;
    int result = listening_specs(s->settings, &plan.specs, &plan.count, err);
    if (result == 0)
        result = look_up_and_open(s, &plan, err);
    free(plan.specs);
    listening_close(&inherited, &s->listening);
    return result;
}

static int watch_threads(struct server *s, struct error *err)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        if (pulse_add(&s->manager.pulse, "worker", worker_reactor(s->workers[i]), err) < 0)
            return -1;
    return pulse_add(&s->manager.pulse, "acceptor", acceptor_reactor(s->acceptor), err);
}

/* Once more, as who we are from now on: what cannot be read any more could not be reloaded. */
static int read_as_served(struct server *s, const char *state_directory, struct error *err)
{
    struct settings *draft = s->settings, *settings;
    struct config *config;
    struct listening listening;
    if (!draft->config->read_once) {
        if (config_load_again(draft->config, &config, err) < 0)
            return -1;
        config_free(config); /* it can be read: the listeners that are open are the draft's */
    }
    if (settings_new(config_ref(draft->config), state_directory, &settings, err) < 0)
        return -1;
    if (listening_copy(&s->listening, settings, &listening, err) < 0) {
        settings_free(settings);
        return -1;
    }
    listening_close(&s->listening, &listening);
    s->listening = listening;
    settings_free(draft);
    s->settings = settings;
    s->loaded_stamp = s->seen_stamp = settings->stamp;
    return 0;
}

/* Else its group could not connect to the Unix sockets, nor could we remove them; and a reload
 * could bind nothing beside the others. */
static int give_sockets(const struct server *s, struct error *err)
{
    const struct config *config = s->settings->config;
    for (size_t i = 0; i < s->listening.count; i++) {
        const struct listening_socket *socket = &s->listening.sockets[i];
        if (socket->inode != 0 && privilege_give(config, socket->address.local.sun_path, err) < 0)
            return -1;
        if (socket->inode == 0)
            privilege_give_socket(config, socket->source.fd);
    }
    return 0;
}

static int drop_privileges(struct server *s, const char *state_directory, struct error *err)
{
    if (give_sockets(s, err) < 0 ||
        privilege_drop(s->settings->config, state_directory, &s->given_up, err) < 0)
        return -1;
    if (read_as_served(s, state_directory, err) < 0)
        return s->given_up ? privilege_explain(true, err) : -1;
    return 0;
}

/* The order matters: ports are bound with privileges, and threads inherit that there are none. */
int server_start(struct server *s, const char *state_directory, struct error *err)
{
    s->descriptors = descriptors_raise();
    s->cpus = cpus_usable(); /* the sandbox would hide the quota */
    manager_open(&s->manager);
    announce_library();
    if (reactor_new(&s->reactor, err) < 0 || server_open_signals(s, err) < 0 ||
        open_listening(s, err) < 0)
        return -1;
    if (s->stop_signals > 0)
        return 0;
    if (drop_privileges(s, state_directory, err) < 0 ||
        admin_new(s->reactor, &s->metrics, &s->manager.pulse, &s->admin, err) < 0)
        return -1;
    outcome_open(&s->outcome);
    const struct listening listeners = listening_for_listeners(&s->listening);
    const struct listening admin = listening_for_admin(&s->listening);
    admin_listen(s->admin, &admin);
    metrics_adopt(&s->metrics, s->settings);
    if (admission_new(&s->admission, err) < 0 || log_start(err) < 0 || start_workers(s, err) < 0)
        return -1;
    s->metrics.admission = s->admission;
    if (acceptor_new(s->settings, &listeners, s->admission, s->workers, s->worker_count,
                     &s->acceptor, err) < 0)
        return -1;
    return watch_threads(s, err);
}
