/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tlsecho/base/container_of.h"
#include "tlsecho/net/transport.h"

struct transport_tcp {
    struct transport base;
    bool ended;      /* the FIN has been read */
    int reset_errno; /* of the RST; 0 = none was received */
};

static struct transport_tcp *self(struct transport *t)
{
    return container_of(t, struct transport_tcp, base);
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

/* Turns the result of a receiving system call into an io. */
static struct io arrived(struct transport *t, ssize_t n, struct error *err)
{
    if (n > 0)
        return (struct io){.status = IO_OK, .progressed = true, .n = (size_t)n};
    if (n == 0 && self(t)->reset_errno != 0) {
        errno = self(t)->reset_errno; /* the kernel reports an RST only once */
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

static struct io tcp_read(struct transport *t, void *data, size_t size, struct error *err)
{
    if (self(t)->ended)
        return (struct io){.status = IO_EOF};

    ssize_t n;
    do
        n = recv(t->fd, data, size, 0);
    while (n < 0 && errno == EINTR);
    return arrived(t, n, err);
}

static ssize_t move(int from, int to, size_t size)
{
    ssize_t n;
    do
        n = splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Empties the pipe, which other connections share. */
static void empty(int pipe, unsigned char *data, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t done = read(pipe, data + got, n - got);
        assert(done > 0 || errno == EINTR);
        got += done > 0 ? (size_t)done : 0;
    }
}

/*
 * Whether to try a read after a splice that moved nothing. splice(2) stops before urgent data and
 * then returns EAGAIN or 0 although more follows; or it is not supported here, or forbidden. The
 * kernel reports any other error only once, and has done so now.
 */
static bool is_to_be_read(ssize_t n)
{
    return n == 0 ||
           (n < 0 && (errno == EAGAIN || errno == EINVAL || errno == EPERM || errno == ENOSYS));
}

static struct io tcp_splice(struct transport *t, const int pipe[2], const struct buf *into,
                            size_t *ret_back, struct error *err)
{
    *ret_back = 0;
    if (self(t)->ended)
        return (struct io){.status = IO_EOF};
    ssize_t n = move(t->fd, pipe[1], into->size);
    if (is_to_be_read(n))
        return tcp_read(t, into->data, into->size, err);

    size_t waiting = n > 0 ? (size_t)n : 0;
    ssize_t sent = 0;
    for (; waiting > 0 && (sent = move(pipe[0], t->fd, waiting)) > 0; waiting -= (size_t)sent)
        *ret_back += (size_t)sent;
    if (waiting > 0)
        empty(pipe[0], into->data, waiting);
    return arrived(t, n, err);
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
        return (struct io){.status = IO_OK, .progressed = true, .n = size};
    if (n >= 0)
        return (struct io){.status = IO_WANT_WRITE, .progressed = n > 0, .n = (size_t)n};
    if (errno == EAGAIN)
        return (struct io){.status = IO_WANT_WRITE};
    return failed(t, "send", err);
}

static struct io tcp_shutdown(struct transport *t, struct error *err)
{
    if (transport_send_fin(t->fd) < 0)
        return failed(t, "shut down", err);
    return (struct io){.status = IO_OK};
}

static struct io tcp_finish(struct transport *t, struct error *err)
{
    (void)t;
    (void)err;
    return (struct io){.status = IO_OK};
}

static void tcp_peer(const struct transport *t, struct peer *ret)
{
    (void)t;
    *ret = (struct peer){.tls = false};
}

static void tcp_free(struct transport *t)
{
    transport_hang_up(t);
    free(t);
}

static const struct transport_ops tcp_ops = {
    .name = "tcp",
    .handshake = tcp_handshake,
    .read = tcp_read,
    .splice = tcp_splice,
    .write = tcp_write,
    .shutdown = tcp_shutdown,
    .finish = tcp_finish,
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
