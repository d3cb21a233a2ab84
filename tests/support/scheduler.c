/* SPDX-License-Identifier: MIT */
#include "scheduler.h"

#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "explore.h"

enum { HELD_MAX = 16, TIMERS_MAX = 16, STOPS_MAX = 20000, FIRE_MS = 10000 };
#define START_US (UINT64_C(3600) * 1000000)

enum stop { STOP_ENDED, STOP_LOCK, STOP_CONDITION, STOP_EVENTS, STOP_JOIN, STOP_ON_ITS_WAY };

struct thread {
    pthread_t id;
    sem_t turn;
    enum stop stop;
    const void *waits_for; /* mutex or condition */
    pthread_t joins;
    int fd, timeout_ms; /* of the event loop */
    bool signaled;
    uint64_t until_us;
    unsigned place; /* stops since it last waited for events */
    pid_t tid;
};

static pthread_t scheduler;
static bool begun, often;
static sem_t stopped; /* the thread that ran is at its next stop */
static struct thread *threads;
static unsigned started, adopted;
static const void *held[HELD_MAX]; /* mutexes; NULL = none */
static uint64_t now_us = START_US;
static struct {
    int fd;
    uint64_t due_us;
} timers[TIMERS_MAX];
static unsigned timer_count;
static pthread_key_t at_end;
static _Thread_local struct thread *self;
static _Thread_local bool leaves;

static void must(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("scheduler: %s", what);
}

/* ---- the test's thread ---- */

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        must(errno == EINTR, "sem_wait");
}

/* What destructors of libraries lock after it is not scheduled. */
static void end_thread(void *thread)
{
    leaves = true;
    ((struct thread *)thread)->stop = STOP_ENDED;
    sem_post(&stopped);
}

void scheduler_begin(void)
{
    if (!begun) {
        sem_init(&stopped, 0, 0);
        must(pthread_key_create(&at_end, end_thread) == 0, "pthread_key_create");
    }
    bool all_ended = true;
    for (unsigned i = 0; i < started; i++)
        all_ended = all_ended && scheduler_has_ended(i);
    if (all_ended)
        free(threads); /* else they wait for ever */
    threads = calloc(SCHEDULER_THREADS, sizeof *threads);
    must(threads, "memory");
    scheduler = pthread_self();
    begun = true;
    started = adopted = timer_count = 0;
    now_us = START_US;
    for (unsigned i = 0; i < HELD_MAX; i++)
        held[i] = NULL;
}

void scheduler_stop_often(bool stops)
{
    often = stops;
}

unsigned scheduler_adopt(void)
{
    wait_for(&stopped);
    return adopted++;
}

unsigned scheduler_count(void)
{
    return adopted;
}

static bool is_held(const void *mutex)
{
    for (unsigned i = 0; i < HELD_MAX; i++)
        if (held[i] == mutex)
            return true;
    return false;
}

static struct thread *find(pthread_t id)
{
    for (unsigned i = 0; i < started; i++)
        if (pthread_equal(threads[i].id, id))
            return &threads[i];
    return NULL;
}

static bool has_events(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

bool scheduler_can_run(unsigned thread)
{
    const struct thread *t = &threads[thread];
    switch (t->stop) {
    case STOP_ENDED:
        return false;
    case STOP_LOCK:
        return !is_held(t->waits_for);
    case STOP_CONDITION:
        return t->signaled || now_us >= t->until_us;
    case STOP_EVENTS:
        return t->timeout_ms == 0 || has_events(t->fd);
    case STOP_JOIN:
        return find(t->joins)->stop == STOP_ENDED;
    case STOP_ON_ITS_WAY:
        return true;
    }
    return false;
}

bool scheduler_has_ended(unsigned thread)
{
    return threads[thread].stop == STOP_ENDED;
}

void scheduler_run(unsigned thread)
{
    must(scheduler_can_run(thread), "a thread that cannot run is run");
    sem_post(&threads[thread].turn);
    wait_for(&stopped);
    while (threads[thread].stop == STOP_ENDED &&
           syscall(SYS_tgkill, getpid(), threads[thread].tid, 0) == 0)
        sched_yield(); /* until it is gone */
}

bool scheduler_run_all(void)
{
    bool any = true;
    for (unsigned stops = 0; any; stops++) {
        if (stops == STOPS_MAX)
            return false;
        any = false;
        for (unsigned i = 0; i < adopted; i++)
            if (scheduler_can_run(i)) {
                scheduler_run(i);
                any = true;
            }
    }
    return true;
}

/* The real one expires at once. */
static void fire(int fd)
{
    static int (*real)(int, int, const struct itimerspec *, struct itimerspec *);
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    struct pollfd timer = {.fd = fd, .events = POLLIN};
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, sizeof(time_t) > sizeof(long) ? "__timerfd_settime64"
                                                                         : "timerfd_settime");
    if (real(fd, 0, &soon, NULL) == 0)
        must(poll(&timer, 1, FIRE_MS) == 1, "a timer does not expire");
}

static void fire_due(void)
{
    for (unsigned i = 0; i < timer_count; i++)
        if (timers[i].due_us <= now_us) {
            timers[i].due_us = UINT64_MAX;
            fire(timers[i].fd);
        }
}

void scheduler_pass(uint64_t time_us)
{
    now_us += time_us;
    fire_due();
}

uint64_t scheduler_now_us(void)
{
    return now_us;
}

uint64_t scheduler_state(void)
{
    uint64_t hash = explore_hash(0, adopted);
    for (unsigned i = 0; i < adopted; i++) {
        const struct thread *t = &threads[i];
        hash = explore_hash(hash, (uint64_t)t->place << 8 | (uint64_t)t->stop << 1 | t->signaled);
        hash = explore_hash(hash, scheduler_can_run(i));
    }
    return hash;
}

/* ---- the other threads ---- */

static bool is_scheduled(void)
{
    return begun && !leaves && !pthread_equal(pthread_self(), scheduler);
}

/* They start one at a time. */
static struct thread *me(void)
{
    if (self)
        return self;
    must(started < SCHEDULER_THREADS, "fewer threads");
    self = &threads[started];
    *self = (struct thread){.id = pthread_self(), .tid = (pid_t)syscall(SYS_gettid)};
    sem_init(&self->turn, 0, 0);
    pthread_setspecific(at_end, self);
    started++;
    return self;
}

static void stop(struct thread *t, enum stop why)
{
    t->stop = why;
    t->place = why == STOP_EVENTS ? 0 : t->place + 1;
    sem_post(&stopped);
    wait_for(&t->turn);
}

static void hold(const void *mutex)
{
    unsigned i = 0;
    while (i < HELD_MAX && held[i])
        i++;
    must(i < HELD_MAX, "fewer mutexes");
    held[i] = mutex;
}

static void release(const void *mutex)
{
    for (unsigned i = 0; i < HELD_MAX; i++)
        if (held[i] == mutex)
            held[i] = NULL;
}

static void acquire(struct thread *t, const void *mutex)
{
    t->waits_for = mutex;
    stop(t, STOP_LOCK);
    hold(mutex);
}

/* No thread holds one while the test's runs. */
int scheduler_lock(pthread_mutex_t *mutex)
{
    if (is_scheduled())
        acquire(me(), mutex);
    return 0;
}

int scheduler_unlock(pthread_mutex_t *mutex)
{
    if (is_scheduled())
        release(mutex);
    if (is_scheduled() && often)
        stop(me(), STOP_ON_ITS_WAY);
    return 0;
}

int scheduler_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    must(is_scheduled(), "the test waits for a condition");
    struct thread *t = me();
    release(mutex);
    t->waits_for = cond;
    t->signaled = false;
    t->until_us = UINT64_MAX;
    if (until)
        t->until_us = (uint64_t)until->tv_sec * 1000000 + (uint64_t)until->tv_nsec / 1000;
    stop(t, STOP_CONDITION);
    int result = t->signaled ? 0 : ETIMEDOUT;
    acquire(t, mutex);
    return result;
}

int scheduler_signal(pthread_cond_t *cond)
{
    for (unsigned i = 0; i < started; i++) {
        struct thread *t = &threads[i];
        if (t->stop == STOP_CONDITION && t->waits_for == cond && !t->signaled) {
            t->signaled = true;
            break;
        }
    }
    return 0;
}

int scheduler_join(pthread_t thread, void **result)
{
    static int (*real)(pthread_t, void **);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_join");
    if (is_scheduled()) {
        me()->joins = thread;
        stop(me(), STOP_JOIN);
    }
    return real(thread, result);
}

int scheduler_poll(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    if (is_scheduled()) {
        me()->fd = fd;
        me()->timeout_ms = timeout_ms;
        stop(me(), STOP_EVENTS);
    }
    return (int)syscall(SYS_epoll_pwait, fd, events, count, 0, NULL, 8);
}

int scheduler_set_timer(int fd, const struct itimerspec *after)
{
    unsigned i = 0;
    while (i < timer_count && timers[i].fd != fd)
        i++;
    must(i < TIMERS_MAX, "fewer timers");
    timer_count += i == timer_count;
    timers[i].fd = fd;
    timers[i].due_us = now_us + (uint64_t)after->it_value.tv_sec * 1000000 +
                       (uint64_t)after->it_value.tv_nsec / 1000;
    fire_due();
    return 0;
}

/* Of 8 bytes: to the descriptor that wakes an event loop. */
ssize_t scheduler_write(int fd, const void *data, size_t size)
{
    ssize_t n = (ssize_t)syscall(SYS_write, fd, data, size);
    if (is_scheduled() && size == sizeof(uint64_t))
        stop(me(), STOP_ON_ITS_WAY);
    return n;
}

int scheduler_time(struct timespec *ret)
{
    if (is_scheduled() && often)
        stop(me(), STOP_ON_ITS_WAY);
    *ret = (struct timespec){.tv_sec = (time_t)(now_us / 1000000),
                             .tv_nsec = (long)(now_us % 1000000 * 1000)};
    return 0;
}
