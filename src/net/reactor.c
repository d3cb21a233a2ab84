/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/reactor.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/container_of.h"

enum { EVENTS_PER_TURN = 128 };

struct reactor {
    int epoll_fd;
    struct reactor_source waker; /* an eventfd(2) */
    struct reactor_source timer; /* a timerfd(2) */
    uint64_t alarm_us;           /* when the timer expires; UINT64_MAX = not set */
    atomic_uint turns;           /* written only by its own thread */
    /* Of the current turn. Not on the stack, where hardened builds would zero them each time. */
    struct epoll_event events[EVENTS_PER_TURN];
};

static void waker_ready(struct reactor_source *source)
{
    (void)source; /* the turn has ended */
}

static void timer_ready(struct reactor_source *source)
{
    struct reactor *r = container_of(source, struct reactor, timer);
    r->alarm_us = UINT64_MAX;
}

/* Edge-triggered: each write, or expiry, is one event, and nothing needs to be read. */
static int watch_edges(struct reactor *r, struct reactor_source *source, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = source};
    if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0)
        return error_sys(err, "make an event loop: epoll_ctl");
    return 0;
}

int reactor_new(struct reactor **ret, struct error *err)
{
    struct reactor *r = calloc(1, sizeof *r);
    if (!r)
        return error_sys(err, "make an event loop");
    r->waker = (struct reactor_source){.fd = -1, .ready = waker_ready};
    r->timer = (struct reactor_source){.fd = -1, .ready = timer_ready};
    r->alarm_us = UINT64_MAX;

    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (r->epoll_fd < 0) {
        error_sys(err, "make an event loop: epoll_create1");
        goto fail;
    }
    r->waker.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->waker.fd < 0) {
        error_sys(err, "make an event loop: eventfd");
        goto fail;
    }
    r->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (r->timer.fd < 0) {
        error_sys(err, "make an event loop: timerfd_create");
        goto fail;
    }
    if (watch_edges(r, &r->waker, err) < 0 || watch_edges(r, &r->timer, err) < 0)
        goto fail;
    *ret = r;
    return 0;

fail:
    reactor_free(r);
    return -1;
}

void reactor_free(struct reactor *reactor)
{
    if (!reactor)
        return;
    if (reactor->timer.fd >= 0)
        close(reactor->timer.fd);
    if (reactor->waker.fd >= 0)
        close(reactor->waker.fd);
    if (reactor->epoll_fd >= 0)
        close(reactor->epoll_fd);
    free(reactor);
}

int reactor_want(struct reactor *reactor, struct reactor_source *source, unsigned want,
                 struct error *err)
{
    if (source->want == want)
        return 0;

    int op = EPOLL_CTL_MOD;
    if (source->want == WANT_NOTHING)
        op = EPOLL_CTL_ADD;
    else if (want == WANT_NOTHING)
        op = EPOLL_CTL_DEL;

    struct epoll_event event = {
        .events = ((want & WANT_READ) ? (uint32_t)EPOLLIN : 0) |
                  ((want & WANT_WRITE) ? (uint32_t)EPOLLOUT : 0),
        .data.ptr = source,
    };
    if (epoll_ctl(reactor->epoll_fd, op, source->fd, &event) < 0)
        return error_sys(err, "watch a descriptor: epoll_ctl");
    source->want = want;
    return 0;
}

void reactor_forget(struct reactor_source *source)
{
    source->want = WANT_NOTHING;
}

void reactor_alarm(struct reactor *reactor, uint64_t due_us)
{
    if (due_us >= reactor->alarm_us)
        return;
    reactor->alarm_us = due_us;
    uint64_t now_us = clock_now_us();
    uint64_t after_us = due_us > now_us ? due_us - now_us : 0;
    struct itimerspec after = {
        .it_value = {.tv_sec = (time_t)(after_us / 1000000),
                     .tv_nsec = (long)(after_us % 1000000 * 1000 + 1)}}; /* zero would mean never */
    int result = timerfd_settime(reactor->timer.fd, 0, &after, NULL);
    assert(result == 0);
    (void)result;
}

void reactor_turn(struct reactor *reactor, enum reactor_patience patience)
{
    struct epoll_event *events = reactor->events;
    unsigned turns = atomic_load_explicit(&reactor->turns, memory_order_relaxed);
    atomic_store_explicit(&reactor->turns, turns + 1, memory_order_relaxed);
    int n =
        epoll_wait(reactor->epoll_fd, events, EVENTS_PER_TURN, patience == REACTOR_WAIT ? -1 : 0);
    assert(n >= 0 || errno == EINTR);

    for (int i = 0; i < n; i++) {
        struct reactor_source *source = events[i].data.ptr;
        source->ready(source);
    }
}

void reactor_wake(struct reactor *reactor)
{
    ssize_t n = write(reactor->waker.fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)n; /* EAGAIN: the counter is full, so a wake-up is due already */
}

unsigned reactor_turns(const struct reactor *reactor)
{
    return atomic_load_explicit(&reactor->turns, memory_order_relaxed);
}
