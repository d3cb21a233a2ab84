/* SPDX-License-Identifier: MIT */
#include "tlsecho/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int interrupt_open(bool interim, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    if (interim)
        sigaddset(&set, SIGQUIT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_sys(err, "block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? error_sys(err, "signalfd") : fd;
}

bool interrupt_pending(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) == 1;
}

enum interrupt interrupt_read(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof info) != sizeof info)
        return INTERRUPT_NONE;
    return info.ssi_signo == SIGQUIT ? INTERRUPT_INTERIM : INTERRUPT_END;
}
