/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tlsecho/transport.h"

struct transport_tcp {
    struct transport base;
    bool ended;      /* the FIN has been read */
    int reset_errno; /* of the RST; 0 = none came */
};

static struct transport_tcp *self(struct transport *t)
{
    return (struct transport_tcp *)t;
}

static struct io failed(struct transport *t, const char *what, struct error *err)
{
    enum io_status status = transport_errno_status(errno);
    if (status == IO_RESET && self(t)->reset_errno == 0)
        self(t)->reset_errno = errno;
    error_sys(err, "%s", what);
    return (struct io){.status = status};
}

static struct io tcp_handshake(struct transport *t, struct error *err)
{
    (void)t;
    (void)err;
    return (struct io){.status = IO_OK};
}

static struct io tcp_read(struct transport *t, void *data, size_t size, struct error *err)
{
    if (self(t)->ended)
        return (struct io){.status = IO_EOF};

    ssize_t n;
    do
        n = recv(t->fd, data, size, 0);
    while (n < 0 && errno == EINTR);

    if (n > 0)
        return (struct io){.status = IO_OK, .moved = true, .n = (size_t)n};
    if (n == 0 && self(t)->reset_errno != 0) {
        errno = self(t)->reset_errno; /* the kernel tells of an RST only once */
        return failed(t, "receive", err);
    }
    if (n == 0) {
        self(t)->ended = true;
        return (struct io){.status = IO_EOF};
    }
    if (errno == EAGAIN)
        return (struct io){.status = IO_WANT_READ};
    return failed(t, "receive", err);
}

static struct io tcp_write(struct transport *t, const void *data, size_t size, struct error *err)
{
    if (size == 0)
        return (struct io){.status = IO_OK};

    ssize_t n;
    do
        n = send(t->fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);

    if (n == (ssize_t)size)
        return (struct io){.status = IO_OK, .moved = true, .n = size};
    if (n >= 0)
        return (struct io){.status = IO_WANT_WRITE, .moved = n > 0, .n = (size_t)n};
    if (errno == EAGAIN)
        return (struct io){.status = IO_WANT_WRITE};
    return failed(t, "send", err);
}

static struct io tcp_shutdown(struct transport *t, struct error *err)
{
    if (shutdown(t->fd, SHUT_WR) == 0)
        return (struct io){.status = IO_OK};
    if (errno == ENOTCONN) {
        error_sys(err, "shut down");
        return (struct io){.status = IO_RESET};
    }
    return failed(t, "shut down", err);
}

static void tcp_peer(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = (struct peer){.tls = false};
}

static void tcp_free(struct transport *t)
{
    close(t->fd);
    free(t);
}

static const struct transport_ops tcp_ops = {
    .name = "tcp",
    .handshake = tcp_handshake,
    .read = tcp_read,
    .write = tcp_write,
    .shutdown = tcp_shutdown,
    .peer = tcp_peer,
    .free = tcp_free,
};

int transport_tcp_new(int fd, struct transport **ret, struct error *err)
{
    struct transport_tcp *t = malloc(sizeof *t);
    if (!t) {
        close(fd);
        return error_sys(err, "make a transport");
    }
    *t = (struct transport_tcp){.base = {.ops = &tcp_ops, .fd = fd}};
    *ret = &t->base;
    return 0;
}
