/* SPDX-License-Identifier: MIT */
/* Signals: handled at once, or noted for the loop. */
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server_internal.h"
#include "tlsecho/base/container_of.h"
#include "tlsecho/base/log.h"

static void list_connections(struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_list(s->workers[i]);
}

const char *server_signal_name(int number)
{
    return number == SIGINT ? "SIGINT" : "SIGTERM";
}

static void signals_ready(struct reactor_source *source)
{
    struct server *s = container_of(source, struct server, signals);
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
        s->stop_signal = (int)info.ssi_signo;
        log_reason(LOG_LEVEL_INFO, s->stop_signals == 1 ? "draining" : "stopping",
                   server_signal_name(s->stop_signal));
    }
}

static void handled(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGHUP);
    sigaddset(ret, SIGUSR1);
    sigaddset(ret, SIGUSR2);
}

/* Nothing needs to be cleaned up yet. */
static void stop_at_once(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

/* HUP, USR1 and USR2 stay pending until the loop reads them. TERM and INT end the process at once,
 * since reading a configuration from a pipe or a slow disk may block; with status 0, as later. */
void server_hold_signals(void)
{
    sigset_t set;
    struct sigaction stop = {.sa_handler = stop_at_once};
    handled(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void end_process_1(int number)
{
    _exit(128 + number);
}

void server_release_signals(void)
{
    sigset_t set;
    void (*end)(int) = getpid() == 1 ? end_process_1 : SIG_DFL;
    signal(SIGTERM, end);
    signal(SIGINT, end);
    handled(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int server_open_signals(struct server *s, struct error *err)
{
    sigset_t set;
    handled(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* the reader of the log may close */
    signal(SIGXFSZ, SIG_IGN); /* and its file may reach RLIMIT_FSIZE */
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_sys(err, "receive signals: signalfd");
    s->signals = (struct reactor_source){.fd = fd, .ready = signals_ready};
    return reactor_want(s->reactor, &s->signals, WANT_READ, err);
}
