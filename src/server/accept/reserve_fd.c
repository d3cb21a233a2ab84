/* SPDX-License-Identifier: MIT */
#include "reserve_fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A file of its own, not a duplicate: the system-wide limit (ENFILE) counts open files. */
void reserve_fd_open(struct reserve_fd *reserve)
{
    if (reserve->fd < 0)
        reserve->fd = eventfd(0, EFD_CLOEXEC);
}

void reserve_fd_close(struct reserve_fd *reserve)
{
    if (reserve->fd >= 0)
        close(reserve->fd);
    reserve->fd = -1;
}

int reserve_fd_refuse(struct reserve_fd *reserve, int listening, struct address *ret_source)
{
    struct address source = {.length = sizeof source - offsetof(struct address, any)};
    reserve_fd_close(reserve);
    int fd = accept4(listening, &source.any, &source.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int code = errno;
    if (fd >= 0) {
        close(fd);
        *ret_source = source;
    }
    reserve_fd_open(reserve);
    errno = code;
    return fd >= 0 ? 0 : -1;
}
