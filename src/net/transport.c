/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/transport.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum io_status transport_errno_status(int code)
{
    switch (code) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return IO_RESET;
    }
    return IO_FAILED;
}

int transport_send_fin(int fd)
{
    int result = shutdown(fd, SHUT_WR);
    if (result < 0 && errno == ENOTCONN)
        errno = ECONNRESET;
    return result;
}

void transport_hang_up(struct transport *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}
