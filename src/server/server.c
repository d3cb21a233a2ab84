/* SPDX-License-Identifier: MIT */
#include "tlsecho/server.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tlsecho/acceptor.h"
#include "tlsecho/clock.h"
#include "tlsecho/listening.h"
#include "tlsecho/log.h"
#include "tlsecho/reactor.h"
#include "tlsecho/worker.h"

struct server {
    const struct settings *settings;
    struct reactor *reactor; /* the main thread's: signals, and the ends of workers */
    struct reactor_source signals;
    unsigned stop_signals; /* TERM and INT received so far */
    struct listening listening;
    struct worker **workers;
    unsigned worker_count;
    struct acceptor *acceptor;
};

static void log_certificates(const struct settings *settings)
{
    for (size_t i = 0; i < settings->certificate_count; i++) {
        const struct settings_certificate *c = &settings->certificates[i];
        struct timespec end = {.tv_sec = (time_t)c->description.not_after};
        char not_after[CLOCK_TEXT_BYTES];
        clock_text(&end, not_after);
        struct log_line line;
        if (!log_begin(&line, LOG_LEVEL_INFO, "certificate"))
            return;
        log_text(&line, "profile", c->profile);
        log_text(&line, "subject", c->description.subject);
        log_text(&line, "issuer", c->description.issuer);
        log_text(&line, "not_after", not_after);
        log_text(&line, "sha256", c->description.sha256);
        log_switch(&line, "self_signed", c->self_signed);
        log_end(&line);
    }
}

static void log_listening(const struct listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        const struct listening_socket *socket = &listening->sockets[i];
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        struct log_line line;
        if (!log_begin(&line, LOG_LEVEL_INFO, "listening"))
            return;
        log_text(&line, "address", address);
        log_text(&line, "transport", endpoint_scheme_name(socket->listener->config->listen.scheme));
        log_text(&line, "service", socket->listener->service->name);
        log_text(&line, "listener", socket->listener->config->name.value);
        log_end(&line);
    }
}

static void signals_ready(struct reactor_source *source)
{
    struct server *s = (struct server *)((char *)source - offsetof(struct server, signals));
    struct signalfd_siginfo info;
    if (read(source->fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    s->stop_signals++;
    log_reason(LOG_LEVEL_INFO, s->stop_signals == 1 ? "draining" : "stopping",
               info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
}

static int open_signals(struct server *s, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
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
        if (worker_new(s->settings, s->reactor, &s->workers[s->worker_count], err) < 0)
            return -1;
        s->worker_count++;
    }
    return 0;
}

static int start(struct server *s, struct error *err)
{
    if (reactor_new(&s->reactor, err) < 0 || open_signals(s, err) < 0)
        return -1;
    log_certificates(s->settings);
    if (listening_open(s->settings, &s->listening, err) < 0)
        return -1;
    if (start_workers(s, err) < 0)
        return -1;
    return acceptor_new(s->settings, &s->listening, s->workers, s->worker_count, &s->acceptor, err);
}

static bool all_ended(const struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        if (!worker_ended(s->workers[i]))
            return false;
    return true;
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
        reactor_turn(s->reactor, clock_poll_ms(clock_now_us(), due_us));
}

static void drain(struct server *s)
{
    uint64_t drain_us = s->settings->config->timeouts_ms.drain * 1000;
    order_all(s, WORKER_DRAIN);
    wait_for_workers(s, drain_us ? clock_now_us() + drain_us : UINT64_MAX, 2);
    if (s->stop_signals > 1)
        return;
    order_all(s, WORKER_FINISH);
    wait_for_workers(s, UINT64_MAX, 2);
}

static void stop(struct server *s)
{
    if (s->acceptor)
        acceptor_stop(s->acceptor);
    listening_close(&s->listening);
    if (s->stop_signals > 0)
        drain(s);
    order_all(s, WORKER_STOP);
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_join(s->workers[i]);
    free(s->workers);
    if (s->signals.fd >= 0)
        close(s->signals.fd);
    reactor_free(s->reactor);
}

int server_run(const struct settings *settings, struct error *err)
{
    struct server s = {.settings = settings, .signals = {.fd = -1}};
    int result = start(&s, err);
    if (result == 0) {
        log_listening(&s.listening);
        struct log_line line;
        if (log_begin(&line, LOG_LEVEL_INFO, "ready")) {
            log_number(&line, "workers", s.worker_count);
            log_end(&line);
        }
        while (s.stop_signals == 0)
            reactor_turn(s.reactor, -1);
    }
    stop(&s);
    if (result == 0)
        log_reason(LOG_LEVEL_INFO, "stopped", "as asked");
    return result;
}
