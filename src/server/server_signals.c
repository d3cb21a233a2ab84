/* SPDX-License-Identifier: MIT */
/* What signals ask for: done at once, or noted for the loop. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server_internal.h"
#include "tlsecho/log.h"

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

int server_open_signals(struct server *s, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* what reads the log may go away */
    signal(SIGXFSZ, SIG_IGN); /* and its file reach a limit */
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_sys(err, "signalfd");
    s->signals = (struct reactor_source){.fd = fd, .ready = signals_ready};
    return reactor_want(s->reactor, &s->signals, WANT_READ, err);
}
