/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/net/socket.h"
#include "tlsecho/net/tcp_stats.h"

enum {
    OTHERS_SHOWN = 3,    /* of several addresses that failed */
    LOCAL_AGAIN_MS = 10, /* between attempts while the backlog is full */
};

enum attempt_state { ATTEMPT_NOT_MADE, ATTEMPT_WAITING, ATTEMPT_FAILED };

struct attempt {
    const struct address *address;
    enum attempt_state state;
    int code; /* errno of a failed one */
};

struct dial {
    const struct dial_request *request;
    struct attempt *attempts; /* one for each address, in the order in which they are made */
    struct pollfd *polls;     /* of the attempts, fd -1 after a failure; then stop_fd */
    size_t started, failed;
    uint64_t next_us; /* when the next attempt starts at the latest */
};

/* A refusal is the most informative error, then a missing route, then a local error. */
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

/* RFC 8305 §4: alternates between the families, beginning with that of the first address. */
static void interleave(struct dial *d)
{
    int family = d->request->addresses[0].any.sa_family;
    size_t next[2] = {0, 0}; /* in addresses, for the first family and for the others */
    for (size_t n = 0, turn = 0; n < d->request->count; turn = !turn) {
        size_t i = next[turn];
        while (i < d->request->count &&
               (d->request->addresses[i].any.sa_family != family) != (turn == 1))
            i++;
        next[turn] = i + 1;
        if (i < d->request->count)
            d->attempts[n++].address = &d->request->addresses[i];
    }
}

static void fail(struct dial *d, size_t attempt, int code)
{
    struct pollfd *waiting = &d->polls[attempt];
    if (waiting->fd >= 0)
        close(waiting->fd);
    waiting->fd = -1;
    d->attempts[attempt].state = ATTEMPT_FAILED;
    d->attempts[attempt].code = code;
    d->failed++;
    d->next_us = 0;
}

/* Lets connect(2) choose the source port: it only has to be unique per destination, so that each
 * peer has 28,000 ports instead of all sharing them (ip(7)). */
static int bind_source(int fd, const struct address *source)
{
    int late = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    return bind(fd, &source->any, source->length);
}

/* TCP_MAXSEG: the largest segment to send, and to ask for in the SYN. */
static int set_segment_bytes(int fd, unsigned bytes)
{
    int value = (int)bytes;
    return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &value, sizeof value);
}

/* -1 with errno: failed at once. 0: in progress, or connected. */
static int attempt_connect(const struct address *address, const struct dial_origin *origin, int fd)
{
    struct error err;
    const struct address *source = origin && origin->source.length ? &origin->source : NULL;
    if (socket_set_nodelay(fd, true, &err) ||
        (origin && origin->dscp &&
         socket_set_dscp(fd, address->any.sa_family, origin->dscp, &err)) ||
        (origin && origin->segment_bytes && set_segment_bytes(fd, origin->segment_bytes)))
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
    const struct address *address = d->attempts[attempt].address;
    int fd = new_socket(address);
    d->attempts[attempt].state = ATTEMPT_WAITING;
    d->polls[attempt] = (struct pollfd){.fd = fd, .events = POLLOUT};
    d->next_us = now_us + DIAL_DELAY_MS * 1000;
    if (fd < 0 || attempt_connect(address, d->request->origin, fd))
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

    /* On a port without a listener a socket can connect to itself (simultaneous open, RFC 9293
     * §3.5). */
    struct address peer, own;
    struct error err;
    if (socket_addresses(fd, &peer, &own, &err))
        return err.code;
    return address_equal(&peer, &own) ? ECONNREFUSED : 0;
}

/* Handles the attempts that are over. True if one has connected. */
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

/* The attempt to report when all have failed: one that still waits, else the last of those with the
 * most informative error. */
static size_t find_decisive(const struct dial *d)
{
    size_t decisive = 0;
    for (size_t i = 0; i < d->started; i++) {
        if (d->attempts[i].state == ATTEMPT_WAITING)
            return i;
        if (rank_of(d->attempts[i].code) >= rank_of(d->attempts[decisive].code))
            decisive = i;
    }
    return decisive;
}

/* Appends the other attempts: "; also tried [::1]:7 (Network is unreachable), 10.0.0.1:7 (no
 * answer) and 5 more". */
static void append_others(const struct dial *d, size_t decisive, struct error *err)
{
    size_t shown = 0;
    for (size_t i = 0; i < d->started && shown < OTHERS_SHOWN; i++) {
        char text[ADDRESS_TEXT_BYTES], reason[64] = "no answer";
        const struct attempt *attempt = &d->attempts[i];
        size_t used = strlen(err->text);
        if (i == decisive)
            continue;
        address_text(attempt->address, text);
        if (attempt->state == ATTEMPT_FAILED)
            snprintf(reason, sizeof reason, "%s", strerror(attempt->code));
        snprintf(err->text + used, sizeof err->text - used, "%s%s (%s)",
                 shown++ ? ", " : "; also tried ", text, reason);
    }
    size_t used = strlen(err->text);
    if (d->started > shown + 1)
        snprintf(err->text + used, sizeof err->text - used, " and %zu more",
                 d->started - shown - 1);
}

/* The error when no attempt has connected. Always returns -1. */
static int give_up(const struct dial *d, size_t *ret_attempt, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    size_t decisive = find_decisive(d);
    const struct attempt *attempt = &d->attempts[decisive];
    *ret_attempt = decisive;
    if (attempt->state == ATTEMPT_FAILED) {
        address_text(attempt->address, text);
        errno = attempt->code;
        error_sys(err, "connect to %s", text);
    } else {
        dial_expire(d->started ? d->polls[decisive].fd : -1, attempt->address, err);
    }
    append_others(d, decisive, err);
    return -1;
}

static int interrupted(const struct address *address, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    return error_set(err, ERROR_INTERRUPTED, "connect to %s: interrupted", text);
}

static int cannot_wait(const struct address *address, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    int code = errno;
    address_text(address, text);
    errno = code;
    return error_sys(err, "connect to %s: poll", text);
}

static int race(struct dial *d, size_t *ret_attempt, struct error *err)
{
    uint64_t deadline_us = d->request->deadline_us;
    for (;;) {
        uint64_t now_us = clock_now_us();
        if (now_us >= deadline_us)
            return give_up(d, ret_attempt, err);
        while (d->started < d->request->count && now_us >= d->next_us)
            start(d, now_us);
        if (d->failed == d->request->count)
            return give_up(d, ret_attempt, err);

        bool last = d->started == d->request->count;
        uint64_t due_us = last || d->next_us > deadline_us ? deadline_us : d->next_us;
        struct pollfd *stop = &d->polls[d->started];
        *stop = (struct pollfd){.fd = d->request->stop_fd, .events = POLLIN};
        int ready = poll(d->polls, d->started + 1, clock_poll_ms(now_us, due_us));
        if (ready < 0 && errno != EINTR) {
            *ret_attempt = find_decisive(d);
            return cannot_wait(d->attempts[*ret_attempt].address, err);
        }
        if (ready <= 0)
            continue;
        if (collect(d, ret_attempt))
            return 0;
        if (stop->revents) {
            *ret_attempt = find_decisive(d);
            return interrupted(d->attempts[*ret_attempt].address, err);
        }
    }
}

static int dial_internet(struct dial *d, int *ret_fd, size_t *ret_index, struct error *err)
{
    size_t decisive = 0;
    interleave(d);
    int result = race(d, &decisive, err);
    for (size_t i = 0; i < d->started; i++)
        if ((result < 0 || i != decisive) && d->polls[i].fd >= 0)
            close(d->polls[i].fd);
    if (result == 0)
        *ret_fd = d->polls[decisive].fd;
    *ret_index = (size_t)(d->attempts[decisive].address - d->request->addresses);
    return result;
}

/* unix(7) sockets never connect in the background: connect(2) fails with EAGAIN if the backlog is
 * full, and no event reports when there is room again. */
static int dial_local(const struct dial_request *request, int *ret_fd, struct error *err)
{
    const struct address *address = request->addresses;
    struct pollfd stop = {.fd = request->stop_fd, .events = POLLIN};
    while (clock_now_us() < request->deadline_us) {
        if (dial_begin(address, NULL, ret_fd, err) == 0)
            return 0;
        if (err->code != EAGAIN)
            return -1;
        int ready = poll(&stop, 1, LOCAL_AGAIN_MS);
        if (ready < 0 && errno != EINTR)
            return cannot_wait(address, err);
        if (ready > 0)
            return interrupted(address, err);
    }
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    return error_set(err, ERROR_TIMEOUT, "connect to %s: no answer in time", text);
}

int dial(const struct dial_request *request, int *ret_fd, size_t *ret_index, struct error *err)
{
    size_t count = request->count;
    struct dial d = {.request = request};
    assert(count > 0);
    *ret_index = 0;
    if (request->addresses[0].any.sa_family == AF_UNIX)
        return dial_local(request, ret_fd, err);
    d.attempts = calloc(count, sizeof *d.attempts);
    d.polls = calloc(count + 1, sizeof *d.polls);
    int result = d.attempts && d.polls
                     ? dial_internet(&d, ret_fd, ret_index, err)
                     : error_sys(err, "memory for %zu connection attempts", count);
    free(d.attempts);
    free(d.polls);
    return result;
}

static int connect_failed(const struct address *address, int code, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    errno = code;
    return error_sys(err, "connect to %s", text);
}

int dial_begin(const struct address *address, const struct dial_origin *origin, int *ret_fd,
               struct error *err)
{
    int fd = new_socket(address);
    if (fd < 0)
        return connect_failed(address, errno, err);
    if (attempt_connect(address, origin, fd)) {
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

int dial_expire(int fd, const struct address *address, struct error *err)
{
    char text[ADDRESS_TEXT_BYTES], syn[TCP_STATS_TEXT_BYTES];
    struct tcp_stats stats;
    address_text(address, text);
    if (!tcp_stats_read(fd, &stats) || !stats.repeats) /* the time was too short for a diagnosis */
        return error_set(err, ERROR_TIMEOUT, "connect to %s: no answer in time", text);
    tcp_stats_describe_syn(&stats, syn);
    return error_set(err, ERROR_UNACKNOWLEDGED, "connect to %s: %s", text, syn);
}
