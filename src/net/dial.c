/* SPDX-License-Identifier: MIT */
#include "tlsecho/dial.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "tlsecho/clock.h"
#include "tlsecho/socket.h"

struct dial {
    const struct address *addresses, *source;
    size_t *order; /* indices of addresses */
    size_t count, started, failed;
    uint64_t next_us;     /* when the next attempt starts at the latest */
    int stop_fd;          /* -1 = none */
    struct pollfd *polls; /* by attempt, fd -1 when it has failed; then one for stop_fd */
    struct error failure; /* what all of them together failed with */
    int rank;             /* its weight: see rank_of */
};

/* A refusal says more than a missing route, and that more than anything of our own. */
static int rank_of(int code)
{
    switch (code) {
    case ECONNREFUSED:
        return 2;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return 1;
    }
    return 0;
}

/* RFC 8305 §4: the first family first, then in turn while both last. */
static void interleave(struct dial *d)
{
    int family = d->addresses[0].any.sa_family;
    size_t next[2] = {0, 0}; /* where to look for the first family, and for any other */
    for (size_t n = 0, turn = 0; n < d->count; turn = !turn) {
        size_t i = next[turn];
        while (i < d->count && (d->addresses[i].any.sa_family != family) != (turn == 1))
            i++;
        next[turn] = i + 1;
        if (i < d->count)
            d->order[n++] = i;
    }
}

static void fail(struct dial *d, size_t attempt, int code)
{
    struct pollfd *waiting = &d->polls[attempt];
    if (waiting->fd >= 0)
        close(waiting->fd);
    waiting->fd = -1;
    d->failed++;
    d->next_us = 0;
    if (rank_of(code) < d->rank)
        return;

    char text[ADDRESS_TEXT_BYTES];
    address_text(&d->addresses[d->order[attempt]], text);
    d->rank = rank_of(code);
    errno = code;
    error_sys(&d->failure, "connect to %s", text);
}

/* With a source, too, connect(2) shall choose the port: only the four numbers together must be
 * unique then, and each far end has its 28,000 ports instead of all sharing them (ip(7)). */
static int bind_source(int fd, const struct address *source)
{
    int late = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    return bind(fd, &source->any, source->length);
}

/* -1 with errno: it has failed at once. 0: it connects now, or has connected. */
static int attempt_connect(const struct address *address, const struct address *source, int fd)
{
    struct error err;
    if (socket_set_nodelay(fd, true, &err))
        return -1;
    if (source && source->any.sa_family != address->any.sa_family) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if (source && bind_source(fd, source))
        return -1;
    return connect(fd, &address->any, address->length) && errno != EINPROGRESS ? -1 : 0;
}

static int new_socket(const struct address *address)
{
    return socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void start(struct dial *d, uint64_t now_us)
{
    size_t attempt = d->started++;
    const struct address *address = &d->addresses[d->order[attempt]];
    int fd = new_socket(address);
    d->polls[attempt] = (struct pollfd){.fd = fd, .events = POLLOUT};
    d->next_us = now_us + DIAL_DELAY_MS * 1000;
    if (fd < 0 || attempt_connect(address, d->source, fd))
        fail(d, attempt, errno);
}

/* errno of a connection attempt that is over; 0 = connected. */
static int outcome(int fd)
{
    int code;
    socklen_t length = sizeof code;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length))
        return errno;
    if (code != 0)
        return code;

    /* Where nobody listens, a socket can meet itself (RFC 9293 §3.5, simultaneous open). */
    struct address peer, own;
    struct error err;
    if (socket_addresses(fd, &peer, &own, &err))
        return err.code;
    return address_equal(&peer, &own) ? ECONNREFUSED : 0;
}

/* Deals with the attempts that are over. True if one has connected. */
static bool collect(struct dial *d, size_t *ret_attempt)
{
    for (size_t i = 0; i < d->started; i++) {
        if (d->polls[i].fd < 0 || d->polls[i].revents == 0)
            continue;
        int code = outcome(d->polls[i].fd);
        if (code == 0) {
            *ret_attempt = i;
            return true;
        }
        fail(d, i, code);
    }
    return false;
}

static int timed_out(const struct dial *d, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(d->addresses, text);
    if (d->count == 1)
        return error_set(err, ERROR_TIMEOUT, "connect to %s: no answer in time", text);
    return error_set(err, ERROR_TIMEOUT, "connect to %s and %zu more: no answer in time", text,
                     d->count - 1);
}

static int race(struct dial *d, uint64_t deadline_us, size_t *ret_attempt, struct error *err)
{
    for (;;) {
        uint64_t now_us = clock_now_us();
        if (now_us >= deadline_us)
            return timed_out(d, err);
        while (d->started < d->count && now_us >= d->next_us)
            start(d, now_us);
        if (d->failed == d->count) {
            *err = d->failure;
            return -1;
        }

        bool last = d->started == d->count;
        uint64_t due_us = last || d->next_us > deadline_us ? deadline_us : d->next_us;
        struct pollfd *stop = &d->polls[d->started];
        *stop = (struct pollfd){.fd = d->stop_fd, .events = POLLIN};
        if (poll(d->polls, d->started + 1, clock_poll_ms(now_us, due_us)) <= 0)
            continue;
        if (collect(d, ret_attempt))
            return 0;
        if (stop->revents)
            return error_set(err, ERROR_TIMEOUT, "interrupted");
    }
}

static int race_all(struct dial *d, uint64_t deadline_us, int *ret_fd, size_t *ret_index,
                    struct error *err)
{
    size_t winner = d->count;
    interleave(d);
    int result = race(d, deadline_us, &winner, err);
    for (size_t i = 0; i < d->started; i++)
        if (i != winner && d->polls[i].fd >= 0)
            close(d->polls[i].fd);
    if (result == 0) {
        *ret_fd = d->polls[winner].fd;
        *ret_index = d->order[winner];
    }
    return result;
}

static int dial_internet(struct dial *d, uint64_t deadline_us, int *ret_fd, size_t *ret_index,
                         struct error *err)
{
    d->order = calloc(d->count, sizeof *d->order);
    d->polls = calloc(d->count + 1, sizeof *d->polls);
    int result = d->order && d->polls ? race_all(d, deadline_us, ret_fd, ret_index, err)
                                      : error_sys(err, "connect");
    free(d->order);
    free(d->polls);
    return result;
}

/* unix(7) has no connection in progress, only a wait for room in the backlog. */
static int dial_local(struct dial *d, uint64_t deadline_us, int *ret_fd, struct error *err)
{
    uint64_t now_us = clock_now_us();
    if (now_us >= deadline_us)
        return timed_out(d, err);

    char text[ADDRESS_TEXT_BYTES];
    address_text(d->addresses, text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_sys(err, "connect to %s", text);

    struct timeval limit = {0}; /* none */
    if (deadline_us != UINT64_MAX) {
        limit.tv_sec = (time_t)((deadline_us - now_us) / 1000000);
        limit.tv_usec = (suseconds_t)((deadline_us - now_us) % 1000000);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ||
        connect(fd, &d->addresses->any, d->addresses->length) || fcntl(fd, F_SETFL, O_NONBLOCK)) {
        if (errno == EAGAIN)
            timed_out(d, err);
        else
            error_sys(err, "connect to %s", text);
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

int dial(const struct address *addresses, size_t count, const struct address *source,
         uint64_t deadline_us, int stop_fd, int *ret_fd, size_t *ret_index, struct error *err)
{
    assert(count > 0);
    struct dial d = {.addresses = addresses, .source = source, .count = count, .stop_fd = stop_fd};
    if (addresses[0].any.sa_family != AF_UNIX)
        return dial_internet(&d, deadline_us, ret_fd, ret_index, err);
    if (dial_local(&d, deadline_us, ret_fd, err))
        return -1;
    *ret_index = 0;
    return 0;
}

static int connect_failed(const struct address *address, int code, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    errno = code;
    return error_sys(err, "connect to %s", text);
}

int dial_begin(const struct address *address, const struct address *source, int *ret_fd,
               struct error *err)
{
    int fd = new_socket(address);
    if (fd < 0)
        return connect_failed(address, errno, err);
    if (attempt_connect(address, source, fd)) {
        connect_failed(address, errno, err);
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

int dial_finish(int fd, const struct address *address, struct error *err)
{
    int code = address->any.sa_family == AF_UNIX ? 0 : outcome(fd);
    return code ? connect_failed(address, code, err) : 0;
}
