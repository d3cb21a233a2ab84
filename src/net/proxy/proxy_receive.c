/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "tlsecho/net/proxy.h"

static struct io nothing(ssize_t n, struct error *err)
{
    if (n == 0)
        return (struct io){.status = IO_CUT};
    if (errno == EAGAIN)
        return (struct io){.status = IO_WANT_READ};
    enum io_status status = transport_errno_status(errno);
    error_sys(err, "receive");
    return (struct io){.status = status};
}

static ssize_t receive(int fd, void *data, size_t size, int flags)
{
    ssize_t n;
    do
        n = recv(fd, data, size, flags);
    while (n < 0 && errno == EINTR);
    return n;
}

/*
 * Peeks first, so that bytes after the header stay in the socket for the transport. An incomplete
 * header is read: in the socket it would keep the descriptor readable.
 */
struct io proxy_receive(int fd, struct buf *received, struct proxy *ret, struct error *err)
{
    assert(received->size >= PROXY_BYTES_MAX);
    for (;;) {
        unsigned char *at = received->data + received->end;
        ssize_t n = receive(fd, at, PROXY_BYTES_MAX - received->end, MSG_PEEK);
        if (n <= 0)
            return nothing(n, err);
        size_t bytes; /* of the header; 0 while it is incomplete */
        if (proxy_parse(received->data, received->end + (size_t)n, ret, &bytes, err) < 0)
            return (struct io){.status = IO_FAILED};
        n = receive(fd, at, bytes > 0 ? bytes - received->end : (size_t)n, 0);
        if (n <= 0)
            return nothing(n, err);
        received->end += (size_t)n;
        if (received->end == bytes)
            return (struct io){.status = IO_OK, .progressed = true};
    }
}
