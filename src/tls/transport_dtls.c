/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/transport_dtls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/container_of.h"
#include "tlsecho/tls/dtls_session.h"

struct transport_dtls {
    struct transport base;
    struct dtls_session *session;
    struct transport_dtls_path *path;
    bool established;
    bool closing; /* nothing is read any more: nobody waits for the end of the peer */
    bool lost;    /* the peer does not answer */
};

static struct transport_dtls *self(struct transport *t)
{
    return container_of(t, struct transport_dtls, base);
}

/* A message cannot be sent in smaller datagrams, as a flight can: it is fragmented. */
static struct datagram_io send_fragmented(const struct transport_dtls *t,
                                          const struct datagram *item, struct error *err)
{
    struct datagram_options options = {.own = true};
    struct datagram_io io = {.status = DATAGRAM_FAILED};
    if (datagram_set_options(t->path->socket, &options, err) == 0)
        io = datagram_send(t->path->socket, item, 1, err);
    options.never_fragment = true;
    struct error ignored;
    datagram_set_options(t->path->socket, &options, &ignored);
    return io;
}

/* To what the kernel knows of the path, or else to the next smaller usual MTU. */
static void lower_mtu(const struct transport_dtls *t, const struct datagram *item)
{
    size_t room = datagram_path_room(&item->peer);
    dtls_session_lower_mtu(t->session, room < item->length ? room : 0);
}

static void send_one(struct transport_dtls *t, const struct datagram *item)
{
    struct error err ERROR_UNSET;
    if (t->established && datagram_outbox_put(t->path->outbox, t->path->socket, item))
        return;
    struct datagram_io io = datagram_send(t->path->socket, item, 1, &err);
    bool too_long = io.status == DATAGRAM_FAILED && err.code == EMSGSIZE;
    if (too_long && t->established)
        io = send_fragmented(t, item, &err);
    else if (too_long)
        lower_mtu(t, item);
    if (io.status == DATAGRAM_OK)
        t->path->sent++;
    else
        t->path->unsent++;
}

static void flush(struct transport_dtls *t)
{
    const unsigned char *data;
    size_t n;
    while (dtls_session_next(t->session, &data, &n)) {
        struct datagram item = {.peer = t->path->peer, .own = t->path->own, .length = n};
        memcpy(&item.data, &data, sizeof data); /* it is not written to */
        send_one(t, &item);
    }
}

static struct io translate(enum dtls_status status)
{
    struct io io = {.status = IO_OK};
    switch (status) {
    case DTLS_OK:
        break;
    case DTLS_WAIT:
        io.status = IO_WANT_READ;
        break;
    case DTLS_CLOSED:
        io.status = IO_EOF;
        break;
    case DTLS_FAILED:
        io.status = IO_FAILED;
        break;
    }
    return io;
}

static struct io give_up(struct error *err)
{
    errno = ETIMEDOUT;
    error_sys(err, "the peer does not answer");
    return (struct io){.status = IO_RESET};
}

static struct io dtls_handshake(struct transport *transport, struct error *err)
{
    struct transport_dtls *t = self(transport);
    if (t->lost)
        return give_up(err);
    struct io io = translate(dtls_session_handshake(t->session, err));
    if (io.status == IO_FAILED && err->kind == ERROR_TIMEOUT)
        return give_up(err);
    t->established = io.status == IO_OK;
    io.progressed = true; /* the ClientHello has arrived */
    flush(t);
    return io;
}

/* A message that is longer than the buffer is dropped: part of it is none. */
static enum dtls_status read_through(struct transport_dtls *t, void *data, size_t size, size_t *ret,
                                     struct error *err)
{
    unsigned char whole[DTLS_DATA_MAX];
    enum dtls_status status;
    for (;;) {
        status = dtls_session_read(t->session, whole, sizeof whole, ret, err);
        if (status != DTLS_OK || *ret <= size)
            break;
        t->path->too_long++;
    }
    memcpy(data, whole, *ret);
    return status;
}

static struct io dtls_read(struct transport *transport, void *data, size_t size, struct error *err)
{
    struct transport_dtls *t = self(transport);
    size_t n = 0;
    if (t->closing)
        return (struct io){.status = IO_EOF};
    struct io io =
        translate(size < DTLS_DATA_MAX ? read_through(t, data, size, &n, err)
                                       : dtls_session_read(t->session, data, size, &n, err));
    io.n = n;
    io.progressed = io.status == IO_OK;
    io.more = io.progressed && dtls_session_has_more(t->session);
    flush(t);
    return io;
}

static struct io dtls_write(struct transport *transport, const void *data, size_t size,
                            struct error *err)
{
    struct transport_dtls *t = self(transport);
    struct io io = translate(dtls_session_write(t->session, data, size, err));
    io.n = io.status == IO_OK ? size : 0;
    io.progressed = io.status == IO_OK;
    flush(t);
    return io;
}

static struct io dtls_shutdown(struct transport *transport, struct error *err)
{
    struct transport_dtls *t = self(transport);
    (void)err;
    dtls_session_close(t->session);
    flush(t);
    t->closing = true;
    return (struct io){.status = IO_OK};
}

static void dtls_peer(const struct transport *transport, struct peer *ret)
{
    dtls_session_peer(container_of(transport, struct transport_dtls, base)->session, ret);
}

static void dtls_free(struct transport *transport)
{
    struct transport_dtls *t = self(transport);
    dtls_session_free(t->session);
    free(t);
}

static const struct transport_ops dtls_ops = {
    .name = "dtls",
    .handshake = dtls_handshake,
    .read = dtls_read,
    .write = dtls_write,
    .shutdown = dtls_shutdown,
    .peer = dtls_peer,
    .free = dtls_free,
};

void transport_dtls_retransmit(struct transport *transport)
{
    struct transport_dtls *t = self(transport);
    struct error ignored;
    if (dtls_session_retransmit(t->session, &ignored) == DTLS_FAILED)
        t->lost = true;
    flush(t);
}

int transport_dtls_new(struct dtls_session *session, struct transport_dtls_path *path,
                       struct transport **ret, struct error *err)
{
    struct transport_dtls *t = calloc(1, sizeof *t);
    if (!t) {
        dtls_session_free(session);
        return error_sys(err, "make a DTLS transport");
    }
    t->base = (struct transport){.ops = &dtls_ops, .fd = -1, .messages = true};
    t->session = session;
    t->path = path;
    *ret = &t->base;
    return 0;
}
