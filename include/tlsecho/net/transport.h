/* SPDX-License-Identifier: MIT */
/*
 * What carries the bytes: TCP, or TLS over TCP, behind one table of operations. Nothing above this
 * header knows which of the two it is.
 *
 * Values, not callbacks: an operation does what can be done now, never waits, and returns what
 * happened. The caller waits for what the status names and calls again; a wake-up is only a hint.
 * `n` says what was done, `status` what comes next.
 *
 * Ownership: a transport owns its descriptor; transport_free closes both.   Threads: one at a time.
 */
#ifndef TLSECHO_TRANSPORT_H
#define TLSECHO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/peer.h"

enum io_status {
    IO_OK,         /* done */
    IO_WANT_READ,  /* call again when the descriptor is readable */
    IO_WANT_WRITE, /* call again when it is writable; a read may say so too, and a write WANT_READ
                    */
    IO_EOF, /* the peer ended as it should: close_notify (RFC 8446 §6.1), or FIN on plain TCP */
    IO_CUT, /* FIN without close_notify: what came before may be incomplete; writing still works */
    IO_RESET,  /* RST: nothing goes either way any more */
    IO_FAILED, /* anything else; err says what. Only shutdown (it sends the alert) makes sense now
                */
};

struct io {
    enum io_status status;
    bool more; /* read, with IO_OK only: more is already here, although the kernel may have none */
    bool progressed; /* the kernel gave or took bytes, however few */
    size_t n;
};

struct transport;

struct transport_ops {
    const char *name; /* "tcp" or "tls" */

    /* Until IO_OK, before anything else. IO_EOF and IO_CUT: the peer left in the middle of it. */
    struct io (*handshake)(struct transport *t, struct error *err);

    /*
     * Up to size bytes into data. IO_OK: n > 0 of them. err is filled with IO_FAILED and IO_RESET.
     * After IO_EOF, IO_CUT and IO_RESET every read says so again; after IO_FAILED a read drops what
     * arrives and only tells the end.
     */
    struct io (*read)(struct transport *t, void *data, size_t size, struct error *err);

    /*
     * As read, but what arrives goes back to the peer inside the kernel, through an empty pipe:
     * splice(2). Of the n bytes that came the first *ret_back have been sent; only the rest is in
     * data. An error of sending is told by the write that follows. Pays for full reads only.
     * SIGPIPE must be blocked or ignored. NULL where bytes must be seen.
     */
    struct io (*splice)(struct transport *t, const int pipe[2], void *data, size_t size,
                        size_t *ret_back, struct error *err);

    /*
     * Takes the first n of size bytes. IO_OK: all of them, and nothing waits here. IO_WANT_WRITE:
     * call again with the rest; with size 0 if n was all (taken, but not yet handed to the kernel).
     * The rest may have moved in memory but must be the same bytes. err is filled as by read.
     */
    struct io (*write)(struct transport *t, const void *data, size_t size, struct error *err);

    /*
     * Ends our direction: what waits, then close_notify (on TLS), then FIN. Reading goes on. After
     * IO_FAILED the alert takes close_notify's place. Until IO_OK or IO_RESET.
     */
    struct io (*shutdown)(struct transport *t, struct error *err);

    /* Who is at the other end, as the handshake showed it. */
    void (*peer)(const struct transport *t, struct peer *ret);

    void (*free)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    int fd; /* for waiting and for its addresses; only the operations read and write it */
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

static inline struct io transport_splice(struct transport *t, const int pipe[2], void *data,
                                         size_t size, size_t *ret_back, struct error *err)
{
    return t->ops->splice(t, pipe, data, size, ret_back, err);
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
 * What an errno of send(2) or recv(2) means: IO_RESET if the peer is gone (ECONNRESET, EPIPE;
 * ETIMEDOUT and the like when keepalive or retransmission gave it up, tcp(7)), else IO_FAILED.
 */
enum io_status transport_errno_status(int code);

/* Plain TCP, or a Unix stream socket. Takes fd over, on failure too. ERROR_SYSTEM (memory). */
int transport_tcp_new(int fd, struct transport **ret, struct error *err);

struct tls_context;
struct tls_scratch;

/*
 * TLS over the connected, non-blocking fd, which it takes over, on failure too; TCP_NODELAY should
 * be set by now, or the first answer waits for a delayed ACK. The role is the context's.
 * server_name: for a client, the name or address to send (names only, RFC 6066 §3) and to verify;
 * NULL for a server. ctx is kept alive by the transport; scratch is shared by all transports of one
 * thread and must outlive them. ERROR_SYSTEM (memory), ERROR_INPUT (a name that cannot be one).
 */
int transport_tls_new(int fd, struct tls_context *ctx, const char *server_name,
                      struct tls_scratch *scratch, struct transport **ret, struct error *err);

/*
 * As transport_shutdown, but TLS sends close_notify alone and leaves the FIN to transport_free: if
 * the far end's comes before, TIME_WAIT is the far end's too (RFC 9293 §3.6.1), and costs us no
 * port. Plain TCP knows no other end than its FIN.
 */
struct io transport_close_notify(struct transport *t, struct error *err);

/* Closes the connection at once, and leaves what is known of the peer; then only transport_peer and
 * the like, and transport_free, make sense. */
void transport_hang_up(struct transport *t);

/* Whether a client was asked to renegotiate, which it refuses: a server may end over it. */
bool transport_tls_refused_renegotiation(const struct transport *t);

/* Whether the handshake resumed an earlier session: what transport_peer says at length. */
bool transport_tls_resumed(const struct transport *t);

struct tls_chain;

/* The certificates of a client's server, also where it refused them; none over anything but TLS.
 * tls_chain_done frees them. ERROR_SYSTEM (memory). */
int transport_tls_chain(const struct transport *t, struct tls_chain *ret, struct error *err);

/* Likewise those that were verified, from the server's to the trust anchor (RFC 5280 §6.1),
 * whatever else was sent; the pinned one alone; none where nothing was verified. */
int transport_tls_path(const struct transport *t, struct tls_chain *ret, struct error *err);

/*
 * The tls-exporter channel binding (RFC 9266) in hex: equal at both ends only if one TLS session
 * reaches from one to the other. "" over anything but TLS, before the handshake is done, and on TLS
 * 1.2 without extended_master_secret, where it would prove nothing.
 */
enum { TLS_EXPORTER_BYTES = 65 };
void transport_tls_exporter(const struct transport *t, char ret[TLS_EXPORTER_BYTES]);

/*
 * The SHA-256 of our own certificate, as peer_certificate has it of the peer's: the one that a
 * server has shown, or that a client has to show. "" if there is none, over anything but TLS, and
 * for a server that resumed a session, where it showed none.
 */
void transport_tls_own_sha256(const struct transport *t, char ret[PEER_SHA256_BYTES]);

/* The subjectAltNames of the peer's certificate, "DNS:a", as many as fit, one after the other with
 * an empty one at the end. */
enum { TLS_NAMES_BYTES = 2048 };
void transport_tls_peer_names(const struct transport *t, char ret[TLS_NAMES_BYTES]);

/* The records on their way between kernel and OpenSSL: one per thread, not one per connection. */
struct tls_scratch *tls_scratch_new(void); /* NULL = no memory */
void tls_scratch_free(struct tls_scratch *scratch);

#endif
