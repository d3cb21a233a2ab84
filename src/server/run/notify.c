/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 1024, PATIENCE_S = 1 };

static int connect_to(const char *name, struct notify *ret, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof address.sun_path)
        return error_set(err, ERROR_INPUT,
                         "NOTIFY_SOCKET=%.200s is neither a path nor an abstract name", name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0'; /* unix(7): abstract, and its length says where it ends */

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_sys(err, "notify the service manager");
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (connect(fd, (const struct sockaddr *)&address, size) < 0) {
        error_sys(err, "notify the service manager at %s", name);
        close(fd);
        return -1;
    }
    ret->fd = fd;
    return 0;
}

/* 0 = none, or for another process. */
static uint64_t watchdog_us(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    const char *usec = getenv("WATCHDOG_USEC");
    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    char *end;
    errno = 0;
    unsigned long long us = strtoull(usec, &end, 10);
    return errno == 0 && *end == '\0' ? us : 0;
}

int notify_open(struct notify *ret, struct error *err)
{
    *ret = (struct notify){.fd = -1};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || !*name)
        return 0;
    if (connect_to(name, ret, err) < 0)
        return -1;
    ret->watchdog_us = watchdog_us();
    return 0;
}

int notify_send(const struct notify *notify, const char *state, const char *status,
                struct error *err)
{
    if (notify->fd < 0)
        return 0;
    char text[MESSAGE_BYTES];
    snprintf(text, sizeof text, "%s%s%s", state, status ? "\nSTATUS=" : "", status ? status : "");
    size_t length = strlen(text);
    for (size_t i = strlen(state) + 1; i < length; i++)
        if (text[i] == '\n')
            text[i] = ' '; /* else the rest would be another assignment */
    if (send(notify->fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
        return error_sys(err, "notify the service manager");
    return 0;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
