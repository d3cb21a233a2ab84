/* SPDX-License-Identifier: MIT
 *
 * A library for LD_PRELOAD: a clock that runs faster than the real one, or jumps. All processes
 * that map the same file (TLSECHO_CLOCK) have the same time; tests/integration/fast_clock.py makes
 * the file. Time-outs are as much shorter, but not those of waits for other threads, nor
 * nanosleep(2), in which the server collects lines of its log. Not libfaketime: there each process
 * counts from its own start, and a jump is in a file that it reads at each call, which the sandbox
 * of the server forbids.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* The clock started at start_ns of CLOCK_MONOTONIC, when CLOCK_REALTIME was wall_ns. */
struct fast_clock {
    int64_t factor, start_ns, wall_ns;
    _Atomic int64_t ahead_ns; /* the sum of all jumps */
};

static const struct fast_clock *shared; /* NULL: not mapped yet */

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

static struct timespec time_of(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

static int real_gettime(clockid_t clock, struct timespec *ret)
{
    REAL(clock_gettime);
    return real(clock, ret);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    struct timespec now;
    if (clock == CLOCK_REALTIME_COARSE)
        clock = CLOCK_REALTIME;
    if (clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME)
        clock = CLOCK_MONOTONIC;
    if (!shared || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return real_gettime(clock, ret);
    real_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed_ns = (ns_of(&now) - shared->start_ns) * shared->factor;
    int64_t start_ns = clock == CLOCK_REALTIME ? shared->wall_ns : shared->start_ns;
    *ret = time_of(start_ns + passed_ns + shared->ahead_ns);
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

/* How long that takes in real time, rounded up; what is not positive stays. */
static int64_t shorter(int64_t length)
{
    return shared && length > 0 ? (length - 1) / shared->factor + 1 : length;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
    REAL(timerfd_settime);
    struct itimerspec sooner = {.it_value = time_of(shorter(ns_of(&new->it_value))),
                                .it_interval = time_of(shorter(ns_of(&new->it_interval)))};
    if (flags & TFD_TIMER_ABSTIME)
        abort();
    return real(fd, flags, &sooner, old);
}

int epoll_wait(int fd, struct epoll_event *events, int size, int timeout_ms)
{
    REAL(epoll_wait);
    return real(fd, events, size, (int)shorter(timeout_ms));
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    REAL(poll);
    return real(fds, count, (int)shorter(timeout_ms));
}

/* As long as ever: for a thread, which is as slow as ever. The server's conditions have this clock.
 */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct timespec now, real_now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    real_gettime(CLOCK_MONOTONIC, &real_now);
    struct timespec real_until = time_of(ns_of(&real_now) + ns_of(until) - ns_of(&now));
    return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &real_until);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TLSECHO_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const void *page = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || page == MAP_FAILED)
        abort();
    close(fd);
    shared = page;
}
