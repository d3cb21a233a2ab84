/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/transport.h"

#include <errno.h>
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

void transport_hang_up(struct transport *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}
