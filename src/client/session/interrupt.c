/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "tlsecho/base/clock.h"

enum { MS_NS = 1000000, AGAIN_MS = 1 };

static int stop_fd = -1;
static timer_t alarm_timer;
static atomic_uint_least64_t happened_us; /* 0 = not yet */

/* signal-safety(7) allows write(2), clock_gettime(2), timer_settime(2) and lock-free atomics. */
static void on_stop(int signal)
{
    static const struct itimerspec alarms = {.it_value.tv_nsec = INTERRUPT_PATIENCE_MS * MS_NS,
                                             .it_interval.tv_nsec = AGAIN_MS * MS_NS};
    int before = errno;
    (void)signal;
    if (!interrupt_happened()) {
        atomic_store(&happened_us, clock_now_us());
        ssize_t n = write(stop_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)n; /* the counter of an eventfd has room for it */
        timer_settime(alarm_timer, 0, &alarms, NULL);
    }
    errno = before;
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* Without SA_RESTART, so that blocking calls end. */
static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void on_end(int signal)
{
    _exit(128 + signal); /* as a shell reports the signal */
}

void interrupt_end_process_1(void)
{
    if (getpid() != 1)
        return;
    handle(SIGINT, on_end);
    handle(SIGTERM, on_end);
}

int interrupt_open(struct error *err)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0 || timer_create(CLOCK_MONOTONIC, &event, &alarm_timer) < 0)
        return error_sys(err, "prepare for signals");
    handle(SIGALRM, on_alarm);
    handle(SIGINT, on_stop);
    handle(SIGTERM, on_stop);

    sigset_t set; /* the parent process may have blocked the signals */
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ? error_sys(err, "prepare for signals") : 0;
}

int interrupt_fd(void)
{
    return stop_fd;
}

bool interrupt_happened(void)
{
    return interrupt_us() != 0;
}

uint64_t interrupt_us(void)
{
    return atomic_load(&happened_us);
}

int interrupt_open_interim(struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_sys(err, "block signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? error_sys(err, "signalfd") : fd;
}

bool interrupt_take_interim(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info;
}
