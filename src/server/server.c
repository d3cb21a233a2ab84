/* SPDX-License-Identifier: MIT */
#include "tlsecho/server.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tlsecho/acceptor.h"
#include "tlsecho/admin.h"
#include "tlsecho/announce.h"
#include "tlsecho/clock.h"
#include "tlsecho/descriptors.h"
#include "tlsecho/expiry.h"
#include "tlsecho/inherited.h"
#include "tlsecho/listening.h"
#include "tlsecho/log.h"
#include "tlsecho/manager.h"
#include "tlsecho/metrics.h"
#include "tlsecho/privilege.h"
#include "tlsecho/reactor.h"
#include "tlsecho/watch.h"
#include "tlsecho/worker.h"

#define DAY_US (24ULL * 3600 * 1000 * 1000)

struct server {
    struct settings *settings;         /* in force */
    uint64_t loaded_stamp, seen_stamp; /* of their files: when read, and when looked at last */
    struct reactor *reactor;           /* the main thread's: signals, and the ends of workers */
    struct reactor_source signals;
    unsigned stop_signals; /* TERM and INT received so far */
    bool reload_wanted;    /* HUP */
    uint64_t look_us;      /* when to look at the files again */
    uint64_t daily_us;     /* when to look at the calendar again */
    struct manager manager;
    struct listening listening;
    bool given_up; /* privileges that opening a file or a port may need */
    struct worker **workers;
    unsigned worker_count;
    struct acceptor *acceptor;
    struct metrics metrics;
    struct admission *admission;
    uint64_t descriptors; /* that there may be */
    struct admin *admin;
};

/* One turn of the main thread: waits until due_us, a signal, or the watchdog is due. */
static void turn(struct server *s, uint64_t due_us)
{
    uint64_t next_us = due_us < s->manager.feed_us ? due_us : s->manager.feed_us;
    reactor_turn(s->reactor, clock_poll_ms(clock_now_us(), next_us));
    manager_feed(&s->manager);
}

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

static int read_again(const struct config *config, struct config **ret, struct error *err)
{
    return config->file ? config_load(config->file, ret, err) : config_default(ret, err);
}

static void announce_descriptors(const struct server *s)
{
    enum { OF_ITS_OWN = 24, OF_A_WORKER = 6 };
    descriptors_announce(s->descriptors, s->settings->config,
                         OF_ITS_OWN + s->listening.count + OF_A_WORKER * s->worker_count);
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
    announce_certificates(s->settings);
    expiry_log(s->settings);
    announce_listening(&s->listening);
    announce_descriptors(s);
    admin_announce(s->admin);
    log_reason(LOG_LEVEL_INFO, "reloaded", "everything is in force for new connections");
    manager_ready(&s->manager, s->listening.count, s->worker_count);
}

static void reload_configuration(struct server *s)
{
    struct error err;
    struct config *config = NULL;
    log_reason(LOG_LEVEL_INFO, "reloading", "SIGHUP");
    manager_reloading(&s->manager);
    int result = read_again(s->settings->config, &config, &err);
    reload(s, config, result, &err);
}

/* The configuration stays as it is: it may be in the middle of an edit. */
static void reload_files(struct server *s, const char *reason)
{
    struct error err;
    log_reason(LOG_LEVEL_INFO, "reloading", reason);
    manager_reloading(&s->manager);
    reload(s, config_ref(s->settings->config), 0, &err);
}

/* A change counts once the files have been still from one look to the next: never sooner, however
 * often something else wakes this thread. */
static void watch_files(struct server *s)
{
    if (clock_now_us() < s->look_us)
        return;
    s->look_us = clock_now_us() + WATCH_EVERY_MS * UINT64_C(1000);
    uint64_t stamp = watch_stamp(s->settings->config);
    bool still = stamp == s->seen_stamp;
    s->seen_stamp = stamp;
    if (!still || stamp == s->loaded_stamp)
        return;
    s->loaded_stamp = stamp;
    reload_files(s, "a file that the configuration names has changed");
}

static void list_connections(struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_list(s->workers[i]);
}

static void signals_ready(struct reactor_source *source)
{
    struct server *s = (struct server *)((char *)source - offsetof(struct server, signals));
    struct signalfd_siginfo info;
    if (read(source->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGHUP:
        s->reload_wanted = true;
        break;
    case SIGUSR1:
        metrics_log(&s->metrics);
        break;
    case SIGUSR2:
        list_connections(s);
        break;
    default:
        s->stop_signals++;
        log_reason(LOG_LEVEL_INFO, s->stop_signals == 1 ? "draining" : "stopping",
                   info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    }
}

static int open_signals(struct server *s, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* whoever reads the log may go away */
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_sys(err, "signalfd");
    s->signals = (struct reactor_source){.fd = fd, .ready = signals_ready};
    return reactor_want(s->reactor, &s->signals, WANT_READ, err);
}

static unsigned count_workers(const struct config *config)
{
    if (config->workers > 0)
        return (unsigned)config->workers;
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) < 0)
        return 1;
    return (unsigned)CPU_COUNT(&usable);
}

static int start_workers(struct server *s, struct error *err)
{
    unsigned count = count_workers(s->settings->config);
    s->workers = calloc(count, sizeof(struct worker *));
    if (!s->workers)
        return error_sys(err, "make the workers");
    while (s->worker_count < count) {
        if (worker_new(s->reactor, &s->workers[s->worker_count], err) < 0)
            return -1;
        metrics_add_shard(&s->metrics, worker_metrics(s->workers[s->worker_count]));
        s->worker_count++;
    }
    return 0;
}

static int open_listening(struct server *s, struct error *err)
{
    struct listening inherited;
    if (inherited_take(&inherited, err) < 0)
        return -1;
    int result = listening_open(s->settings, &inherited, &s->listening, err);
    listening_close(&inherited, &s->listening);
    return result;
}

static int open_admin(struct server *s, struct error *err)
{
    struct admin_address *address;
    if (admin_new(s->reactor, &s->metrics, &s->manager.pulse, &s->admin, err) < 0 ||
        admin_open(s->admin, s->settings->config, &address, err) < 0)
        return -1;
    admin_listen(s->admin, address);
    return 0;
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
    if (read_again(draft->config, &config, err) < 0)
        return -1;
    config_free(config); /* it can be read: the listeners that are open are the draft's */
    if (settings_new(config_ref(draft->config), state_directory, &settings, err) < 0)
        return -1;
    listening_relink(&s->listening, draft, settings);
    settings_free(draft);
    s->settings = settings;
    s->loaded_stamp = s->seen_stamp = settings->stamp;
    return 0;
}

/* Else its group could not connect to the Unix sockets, nor could we remove them. */
static int give_sockets(const struct server *s, struct error *err)
{
    const struct config *config = s->settings->config;
    for (size_t i = 0; i < s->listening.count; i++) {
        const struct listening_socket *socket = &s->listening.sockets[i];
        if (socket->inode != 0 && privilege_give(config, socket->address.local.sun_path, err) < 0)
            return -1;
    }
    if (config->admin.listen.value[0] == '\0' || config->admin.endpoint.scheme != ENDPOINT_UNIX)
        return 0;
    return privilege_give(config, config->admin.endpoint.path, err);
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
static int start(struct server *s, const char *state_directory, struct error *err)
{
    s->descriptors = descriptors_raise();
    manager_open(&s->manager);
    announce_library();
    if (reactor_new(&s->reactor, err) < 0 || open_signals(s, err) < 0 ||
        open_listening(s, err) < 0 || open_admin(s, err) < 0 ||
        drop_privileges(s, state_directory, err) < 0)
        return -1;
    metrics_adopt(&s->metrics, s->settings);
    announce_certificates(s->settings);
    expiry_log(s->settings);
    if (admission_new(&s->admission, err) < 0 || log_start(err) < 0 || start_workers(s, err) < 0)
        return -1;
    s->metrics.admission = s->admission;
    if (acceptor_new(s->settings, &s->listening, s->admission, s->workers, s->worker_count,
                     &s->acceptor, err) < 0)
        return -1;
    return watch_threads(s, err);
}

static bool all_ended(struct server *s)
{
    bool all = true;
    for (unsigned i = 0; i < s->worker_count; i++)
        if (worker_ended(s->workers[i]))
            pulse_forget(&s->manager.pulse, worker_reactor(s->workers[i]));
        else
            all = false;
    return all;
}

static void order_all(struct server *s, enum worker_order order)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_order(s->workers[i], order);
}

/* Until every worker has ended, due_us has passed, or `stop_signals` came. */
static void wait_for_workers(struct server *s, uint64_t due_us, unsigned stop_signals)
{
    while (!all_ended(s) && s->stop_signals < stop_signals && clock_now_us() < due_us)
        turn(s, due_us);
}

/* 0: never. */
static uint64_t after_us(uint64_t ms)
{
    return ms ? clock_now_us() + ms * 1000 : UINT64_MAX;
}

/* Who says goodbye has timeouts.linger for it; where there is none, as long as for all the rest. */
static void drain(struct server *s)
{
    uint64_t drain_ms = s->settings->config->timeouts_ms.drain;
    uint64_t linger_ms = s->settings->config->timeouts_ms.linger;
    order_all(s, WORKER_DRAIN);
    wait_for_workers(s, after_us(drain_ms), 2);
    if (s->stop_signals > 1)
        return;
    order_all(s, WORKER_FINISH);
    wait_for_workers(s, after_us(linger_ms ? linger_ms : drain_ms), 2);
}

static void stop(struct server *s)
{
    manager_stopping(&s->manager);
    if (s->admin)
        admin_set_ready(s->admin, false);
    if (s->acceptor) {
        pulse_forget(&s->manager.pulse, acceptor_reactor(s->acceptor));
        acceptor_stop(s->acceptor);
    }
    listening_close(&s->listening, NULL);
    if (s->stop_signals > 0)
        drain(s);
    admin_free(s->admin);
    order_all(s, WORKER_STOP);
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_join(s->workers[i]);
    metrics_done(&s->metrics);
    free(s->workers);
    admission_free(s->admission);
    manager_close(&s->manager);
    if (s->signals.fd >= 0)
        close(s->signals.fd);
    reactor_free(s->reactor);
}

/* Warns of what runs out, and makes anew what is ours to make. */
static void look_at_calendar(struct server *s)
{
    s->daily_us = clock_now_us() + DAY_US;
    expiry_log(s->settings);
    if (expiry_is_ours(s->settings))
        reload_files(s, "a self-signed certificate ends within 30 days");
}

static void serve(struct server *s)
{
    s->daily_us = clock_now_us() + DAY_US;
    while (s->stop_signals == 0) {
        bool watch = s->settings->config->watch;
        turn(s, watch && s->look_us < s->daily_us ? s->look_us : s->daily_us);
        if (s->reload_wanted)
            reload_configuration(s);
        else if (watch)
            watch_files(s);
        s->reload_wanted = false;
        if (clock_now_us() >= s->daily_us)
            look_at_calendar(s);
    }
}

int server_run(struct settings *draft, const char *state_directory, struct error *err)
{
    struct server s = {.settings = draft, .signals = {.fd = -1}};
    metrics_init(&s.metrics);
    int result = start(&s, state_directory, err);
    if (result == 0) {
        announce_listening(&s.listening);
        announce_descriptors(&s);
        admin_announce(s.admin);
        admin_set_ready(s.admin, true);
        struct log_line line;
        if (log_begin(&line, LOG_LEVEL_INFO, "ready")) {
            log_number(&line, "workers", s.worker_count);
            log_end(&line);
        }
        manager_ready(&s.manager, s.listening.count, s.worker_count);
        serve(&s);
    }
    stop(&s);
    settings_free(s.settings);
    if (result == 0)
        log_reason(LOG_LEVEL_INFO, "stopped", "as asked");
    return result;
}
