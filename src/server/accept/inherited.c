/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlsecho/net/socket.h"

enum { FIRST_FD = 3, FDS_MAX = 1024 }; /* SD_LISTEN_FDS_START */

/* A decimal number; -1: not a number, or larger than INT_MAX. */
static int number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool good = errno == 0 && *text != '\0' && *end == '\0' && value >= 0 && value <= INT_MAX;
    return good ? (int)value : -1;
}

/* LISTEN_FDS; 0 if it is not set, or meant for another process. */
static int count_fds(struct error *err)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    if (!pid || !fds || number(pid) != getpid())
        return 0;
    int count = number(fds);
    if (count < 0 || count > FDS_MAX)
        return error_set(err, ERROR_SYSTEM, "LISTEN_FDS=%.100s is not a number of sockets up to %d",
                         fds, FDS_MAX);
    return count;
}

static int take_names(const char *names, struct listen_set *all, struct error *err)
{
    for (size_t i = 0; i < all->count; i++) {
        size_t length = names ? strcspn(names, ":") : 0;
        bool last = !names || names[length] == '\0';
        if (names && (length >= LISTEN_SET_NAME_BYTES || last != (i + 1 == all->count)))
            return error_set(err, ERROR_SYSTEM,
                             "LISTEN_FDNAMES=%.200s is not a list of %zu names separated by ':'",
                             getenv("LISTEN_FDNAMES"), all->count);
        /* sd_listen_fds_with_names(3): a socket without a name is "unknown". */
        snprintf(all->sockets[i].fd_name, LISTEN_SET_NAME_BYTES, "%.*s", length ? (int)length : 7,
                 length ? names : "unknown");
        names = last ? NULL : names + length + 1;
    }
    return 0;
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

/* What is wrong with it, and the remedy; NULL = nothing. */
static const char *complaint(int fd, const struct address *address)
{
    int family = address->any.sa_family, type = option(fd, SO_TYPE);
    bool internet = family == AF_INET || family == AF_INET6;
    if (type == SOCK_DGRAM && internet)
        return NULL;
    if (type != SOCK_STREAM || (!internet && family != AF_UNIX))
        return "is not a TCP, UDP or Unix stream socket: set ListenStream= or ListenDatagram= in "
               "its .socket unit";
    if (option(fd, SO_ACCEPTCONN) != 1)
        return "is not listening: set Accept=no in its .socket unit";
    return NULL;
}

static int take_socket(struct listen_socket *socket, int fd, struct error *err)
{
    socket->source.fd = fd;
    if (socket_addresses(fd, NULL, &socket->address, err) < 0)
        return error_prefix(err, "descriptor %d (%s)", fd, socket->fd_name);
    socket->configured = socket->address;
    socket->datagrams = option(fd, SO_TYPE) == SOCK_DGRAM;
    const char *wrong = complaint(fd, &socket->address);
    if (wrong) {
        char address[ADDRESS_TEXT_BYTES];
        address_text(&socket->address, address);
        return error_set(err, ERROR_SYSTEM, "inherited descriptor %d (%s, %s) %s", fd,
                         socket->fd_name, address, wrong);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return error_sys(err, "descriptor %d (%s)", fd, socket->fd_name);
    return 0;
}

static int take_all(struct listen_set *all, struct error *err)
{
    if (take_names(getenv("LISTEN_FDNAMES"), all, err) < 0)
        return -1;
    for (size_t i = 0; i < all->count; i++)
        if (take_socket(&all->sockets[i], FIRST_FD + (int)i, err) < 0)
            return -1;
    return 0;
}

int inherited_take(struct listen_set *ret, struct error *err)
{
    struct listen_set all = {.count = 0};
    int count = count_fds(err);
    if (count < 0)
        return -1;
    if (count > 0 && !(all.sockets = calloc((size_t)count, sizeof all.sockets[0])))
        return error_sys(err, "take over the sockets of the service manager");
    all.count = (size_t)count;
    if (count > 0 && take_all(&all, err) < 0) {
        free(all.sockets);
        return -1;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    *ret = all;
    return 0;
}
