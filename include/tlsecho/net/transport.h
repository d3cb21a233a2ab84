/* SPDX-License-Identifier: MIT */
/*
 * A connection's byte stream, plain or encrypted, behind one table of operations. A caller need not
 * know which transport it has.
 *
 * An operation does what it can without waiting and returns the result: `n` is what was done,
 * `status` what to do next. The caller waits for what the status names, then calls again; a wake-up
 * is only a hint. There are no callbacks.
 *
 * Ownership: a transport owns its descriptor; transport_free closes and frees both.
 * Threads: one at a time.
 */
#ifndef TLSECHO_TRANSPORT_H
#define TLSECHO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/buf.h"
#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"

enum io_status {
    IO_OK,         /* done */
    IO_WANT_READ,  /* call again when the descriptor is readable; a write may return this too */
    IO_WANT_WRITE, /* call again when it is writable; a read may return this too */
    IO_EOF,        /* orderly end: close_notify (RFC 8446 §6.1), or FIN on plain TCP */
    IO_CUT,        /* FIN without close_notify: data may be missing; writing still works */
    IO_RESET,      /* RST: nothing can be sent or received any more */
    IO_FAILED, /* any other error, in err; only shutdown, which sends the alert, is useful now */
};

struct io {
    enum io_status status;
    bool
        more; /* read, with IO_OK only: read again before waiting, as the kernel may have no more */
    bool progressed; /* at least one byte was received from or sent to the kernel */
    size_t n;
};

struct transport;

struct transport_ops {
    const char *name; /* in logs and reports: "tcp" */

    /* Call it until IO_OK, before anything else. IO_EOF and IO_CUT: the peer closed the connection
     * during the handshake. */
    struct io (*handshake)(struct transport *t, struct error *err);

    /*
     * Reads up to size bytes into data. IO_OK: n > 0 of them. IO_FAILED and IO_RESET fill err.
     * After IO_EOF, IO_CUT and IO_RESET every read returns the same again; after IO_FAILED a read
     * discards what arrives and only reports the end.
     */
    struct io (*read)(struct transport *t, void *data, size_t size, struct error *err);

    /*
     * As read, but sends what arrives back to the peer inside the kernel: splice(2), through a pipe
     * that must be empty. Of the n bytes received the first *ret_back have been sent back; the rest
     * is at the start of into->data, which has room for into->size bytes. The next write reports an
     * error of sending. Faster than read and write only if it fills the buffer. SIGPIPE must be
     * blocked or ignored. NULL for a transport whose bytes are not the application's.
     */
    struct io (*splice)(struct transport *t, const int pipe[2], const struct buf *into,
                        size_t *ret_back, struct error *err);

    /*
     * Writes the first n of size bytes. IO_OK: all of them, and nothing is buffered here.
     * IO_WANT_WRITE: call again with the rest; with size 0 if n was all (accepted, but not yet sent
     * to the kernel). The rest may have moved in memory but must be the same bytes. err as in read.
     */
    struct io (*write)(struct transport *t, const void *data, size_t size, struct error *err);

    /*
     * Half-closes: sends what is buffered, close_notify if the transport is encrypted, and FIN.
     * Reading continues. After IO_FAILED an alert replaces close_notify. Call it until IO_OK or
     * IO_RESET.
     */
    struct io (*shutdown)(struct transport *t, struct error *err);

    /* As shutdown, but leaves the FIN to free, which must follow at once: a system call less if
     * nothing is to be read any more. NULL: as shutdown. */
    struct io (*finish)(struct transport *t, struct error *err);

    /* What the handshake showed of the peer. */
    void (*peer)(const struct transport *t, struct peer *ret);

    void (*free)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    int fd; /* to wait on and to take addresses from; only the operations read and write it; -1 =
               its owner calls it when there is something to do, or it was hung up */
    bool messages; /* a read returns one whole message, and a write sends one */
};

static inline struct io transport_handshake(struct transport *t, struct error *err)
{
    return t->ops->handshake(t, err);
}

static inline struct io transport_read(struct transport *t, void *data, size_t size,
                                       struct error *err)
{
    return t->ops->read(t, data, size, err);
}

static inline struct io transport_splice(struct transport *t, const int pipe[2],
                                         const struct buf *into, size_t *ret_back,
                                         struct error *err)
{
    return t->ops->splice(t, pipe, into, ret_back, err);
}

static inline struct io transport_write(struct transport *t, const void *data, size_t size,
                                        struct error *err)
{
    return t->ops->write(t, data, size, err);
}

static inline struct io transport_shutdown(struct transport *t, struct error *err)
{
    return t->ops->shutdown(t, err);
}

static inline struct io transport_finish(struct transport *t, struct error *err)
{
    return t->ops->finish ? t->ops->finish(t, err) : t->ops->shutdown(t, err);
}

static inline void transport_peer(const struct transport *t, struct peer *ret)
{
    t->ops->peer(t, ret);
}

static inline void transport_free(struct transport *t)
{
    if (t)
        t->ops->free(t);
}

/*
 * The status for an errno of send(2) or recv(2): IO_RESET if the connection is lost (ECONNRESET,
 * EPIPE; ETIMEDOUT and similar after keepalive or retransmission, tcp(7)), else IO_FAILED.
 */
enum io_status transport_errno_status(int code);

/*
 * Sends FIN, shutdown(2). Returns -1 with errno on failure: ECONNRESET if the connection has ended
 * already, where the kernel reports ENOTCONN; the next recv(2) gets the cause.
 */
int transport_send_fin(int fd);

/* Plain TCP, or a Unix stream socket. Takes fd over, on failure too. ERROR_SYSTEM (memory). */
int transport_tcp_new(int fd, struct transport **ret, struct error *err);

/* Closes the connection and its descriptor at once, and keeps what is known of the peer. Afterwards
 * call only this, transport_peer, the functions that take a const transport, and transport_free.
 */
void transport_hang_up(struct transport *t);

#endif
