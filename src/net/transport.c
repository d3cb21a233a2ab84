/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/transport.h"

#include <errno.h>
#include <fcntl.h>
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

/* Keeps the descriptor number in use, so that no new descriptor gets it while others refer to it.
 */
void transport_hang_up(struct transport *t)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup3(nothing, t->fd, O_CLOEXEC) < 0)
        shutdown(t->fd, SHUT_RDWR);
    if (nothing >= 0)
        close(nothing);
}
