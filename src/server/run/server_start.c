/* SPDX-License-Identifier: MIT */
/* From the draft of the snapshot to running threads. */
#include <stdio.h>
#include <stdlib.h>

#include "cpus.h"
#include "server_internal.h"
#include "tlsecho/base/log.h"
#include "tlsecho/server/announce.h"
#include "tlsecho/server/config_load.h"
#include "tlsecho/server/descriptors.h"
#include "tlsecho/server/inherited.h"
#include "tlsecho/server/privilege.h"

static int start_workers(struct server *s, struct error *err)
{
    const struct config *config = s->snapshot->config;
    unsigned count = config->workers > 0 ? (unsigned)config->workers : s->cpus;
    s->workers = calloc(count, sizeof(struct worker *));
    if (!s->workers)
        return error_sys(err, "create the workers");
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

/* TERM or INT ends the wait: then nothing is opened. */
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
        result = listen_set_open(plan->specs, plan->count, plan->existing, &s->listen_set, err);
    if (result == 0)
        listen_set_update(&s->listen_set, s->snapshot->config);
    lookups_free(lookups);
    return result;
}

static int open_listening(struct server *s, struct error *err)
{
    struct listen_set inherited;
    struct lookups_plan plan = {.existing = &inherited, .reactor = s->reactor};
    if (inherited_take(&inherited, err) < 0)
        return -1;
    int result = listen_set_specs(s->snapshot, &plan.specs, &plan.count, err);
    if (result == 0)
        result = look_up_and_open(s, &plan, err);
    free(plan.specs);
    listen_set_close(&inherited, &s->listen_set);
    return result;
}

static int serve_datagrams(struct server *s, struct error *err)
{
    struct datagrams_plan plan;
    s->datagrams = (struct datagrams){
        .workers = s->workers, .worker_count = s->worker_count, .admission = s->admission};
    if (datagrams_init(&s->datagrams, err) < 0 ||
        datagrams_prepare(&s->datagrams, &s->listen_set, &plan, err) < 0)
        return -1;
    s->metrics.stamp = s->datagrams.stamp;
    datagrams_serve(&s->datagrams, &s->listen_set, &plan);
    return 0;
}

static int watch_threads(struct server *s, struct error *err)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        char name[HEARTBEAT_NAME_BYTES];
        snprintf(name, sizeof name, "worker %u", i + 1);
        if (heartbeat_add(&s->manager.heartbeat, name, worker_reactor(s->workers[i]), err) < 0)
            return -1;
    }
    struct reactor *own = acceptor_reactor(s->acceptor);
    return own ? heartbeat_add(&s->manager.heartbeat, "acceptor", own, err) : 0;
}

/* Reads all files again with the reduced privileges: what fails now would fail at a reload too. */
static int read_as_served(struct server *s, const char *state_directory, struct error *err)
{
    const struct config_snapshot *draft = s->snapshot, *snapshot;
    struct config *config;
    struct listen_set listen_set;
    if (!draft->config->read_once) {
        if (config_load_again(draft->config, &config, err) < 0)
            return -1;
        config_free(config); /* only whether it can be read: the open listeners are the draft's */
    }
    if (config_snapshot_new(config_ref(draft->config), state_directory, &snapshot, err) < 0)
        return -1;
    if (listen_set_copy(&s->listen_set, snapshot, &listen_set, err) < 0) {
        config_snapshot_free(snapshot);
        return -1;
    }
    listen_set_close(&s->listen_set, &listen_set);
    s->listen_set = listen_set;
    config_snapshot_free(draft);
    s->snapshot = snapshot;
    s->loaded_stamp = s->seen_stamp = snapshot->stamp;
    return 0;
}

/* Changes the owner of the sockets: else the group could not connect to the Unix sockets, the
 * server could not remove them, and a reload could not bind an overlapping address. */
static int give_sockets(const struct server *s, struct error *err)
{
    const struct config *config = s->snapshot->config;
    for (size_t i = 0; i < s->listen_set.count; i++) {
        const struct listen_socket *socket = &s->listen_set.sockets[i];
        if (socket->inode != 0 &&
            privilege_change_owner(config, socket->address.local.sun_path, err) < 0)
            return -1;
        if (socket->inode == 0)
            privilege_change_socket_owner(config, socket->source.fd);
    }
    return 0;
}

static int drop_privileges(struct server *s, const char *state_directory, struct error *err)
{
    if (give_sockets(s, err) < 0 ||
        privilege_drop(s->snapshot->config, state_directory, &s->given_up, err) < 0)
        return -1;
    if (read_as_served(s, state_directory, err) < 0)
        return s->given_up ? privilege_explain(true, err) : -1;
    return 0;
}

/* The order matters: ports are bound with privileges, and threads are started without. */
int server_start(struct server *s, const char *state_directory, struct error *err)
{
    s->descriptors = descriptors_raise();
    s->cpus = cpus_usable(); /* before the sandbox, which hides the quota */
    service_manager_open(&s->manager);
    announce_library();
    if (reactor_new(&s->reactor, err) < 0 || server_open_signals(s, err) < 0 ||
        open_listening(s, err) < 0)
        return -1;
    if (s->stop_signals > 0)
        return 0;
    if (drop_privileges(s, state_directory, err) < 0 ||
        admin_new(s->reactor, &s->metrics, &s->manager.heartbeat, &s->admin, err) < 0)
        return -1;
    reload_status_open(&s->reload_status);
    const struct listen_set admin = listen_set_for_admin(&s->listen_set);
    admin_listen(s->admin, &admin);
    server_adopt_metrics(s, s->snapshot, &s->listen_set);
    if (admission_new(&s->admission, err) < 0 || log_start(err) < 0 || start_workers(s, err) < 0)
        return -1;
    s->metrics.admission = s->admission;
    const struct acceptor_plan plan = {
        .snapshot = s->snapshot,
        .listen_set = listen_set_for_streams(&s->listen_set),
        .admission = s->admission,
        .workers = s->workers,
        .worker_count = s->worker_count,
    };
    if (acceptor_new(&plan, &s->acceptor, err) < 0 || serve_datagrams(s, err) < 0)
        return -1;
    return watch_threads(s, err);
}
