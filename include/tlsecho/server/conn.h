/* SPDX-License-Identifier: MIT */
/*
 * The state machine of one connection: PROXY -> HANDSHAKE -> SERVE, PRODUCE or CONVERSE ->
 * SHUTDOWN -> LINGER. It moves bytes from a transport through a service and back. It uses no
 * sockets, loops or clocks: conn_run does what can be done now and sets what to wait for.
 *
 * Ownership: a conn owns its transport and the buffer borrowed from the pool.
 * Threads: its worker's.
 */
#ifndef TLSECHO_CONN_H
#define TLSECHO_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/buf.h"
#include "tlsecho/base/error.h"
#include "tlsecho/base/want.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/server/conn_end.h"
#include "tlsecho/server/pool.h"
#include "tlsecho/server/service.h"

/* The time-out that runs. */
enum conn_timeout {
    CONN_TIMEOUT_HANDSHAKE, /* from the start, absolute: PROXY and HANDSHAKE together; or from the
                               first byte of a request's head */
    CONN_TIMEOUT_IDLE,      /* from the last byte either way */
    CONN_TIMEOUT_WRITE,     /* from the last byte that the peer accepted */
    CONN_TIMEOUT_QUIET,     /* while draining, in place of idle, except within a request */
    CONN_TIMEOUT_LINGER,    /* from the start of SHUTDOWN, absolute: with LINGER */
    CONN_TIMEOUTS,
};

enum conn_state {
    CONN_PROXY, /* reads the PROXY header, before the transport's first byte */
    CONN_HANDSHAKE,
    CONN_SERVE,    /* the service answers input */
    CONN_PRODUCE,  /* the service generates output */
    CONN_CONVERSE, /* the service reads requests */
    CONN_SHUTDOWN,
    CONN_LINGER,
    CONN_OVER,
};

/* Limits per turn of the loop, so that one connection cannot starve the others. */
enum {
    CONN_TURNS_MAX = 8,  /* reads */
    CONN_BLOCKS_MAX = 2, /* whole buffers of generated output */
    CONN_STEPS_MAX = 32, /* of a conversation: a read, a part of a request, a part of an answer */
};

struct conversation;

/* Only src/server/conn writes to it; its owner may read it. */
struct conn {
    enum conn_state state;
    enum conn_end end;
    enum conn_timeout timeout; /* that runs now */
    bool established;          /* the handshake is done */
    bool hello_begun;          /* bytes of the handshake have arrived */
    bool proxy_begun;          /* bytes of a PROXY header have arrived, and it is not LOCAL */
    bool progressed;   /* the last conn_run moved bytes: an idle or write time-out starts again */
    bool runnable;     /* call conn_run again without waiting */
    bool timeout_anew; /* `timeout` starts again, although it ran before and is absolute */
    bool sending;      /* output is pending, here or in the transport */
    bool peer_ended;   /* the peer has closed its direction */
    bool draining;
    bool full;         /* the last read filled more than half of the buffer: bulk data */
    bool client_hello; /* the first bytes on a plain transport were a TLS ClientHello */
    unsigned want : 8; /* set of enum want; meaningless while `runnable` */
    struct transport *transport;
    const struct service *service;
    struct pool *pool;
    struct buf output;                 /* not yet written */
    struct conversation *conversation; /* in CONN_CONVERSE */
    uint64_t received_bytes, sent_bytes;
    struct error *error; /* NULL if `end` needs none, or without memory */
    struct io (*read_proxy)(struct conn *c, enum conn_end *ret_end, struct error *err);
    void (*describe)(const struct conn *c, struct conn_info *ret);
};

/* Takes over the transport. describe: fills the info for a service that wants_info. */
void conn_init(struct conn *c, struct transport *t, const struct service *service,
               struct pool *pool, void (*describe)(const struct conn *c, struct conn_info *ret));

/*
 * Before the first conn_run: expects a PROXY header before the handshake. `read` reads it from the
 * socket, as a transport's handshake does. `progressed` means that bytes of it have arrived and,
 * with IO_OK, that it is not LOCAL. With IO_FAILED it may set *ret_end, which is CONN_END_PROXY
 * otherwise.
 */
void conn_expect_proxy(struct conn *c, struct io (*read)(struct conn *c, enum conn_end *ret_end,
                                                         struct error *err));

/* Does what can be done now. Then state is CONN_OVER, or `runnable` or `want` and `timeout` are
 * set. */
void conn_run(struct conn *c);

/* The time-out that runs has expired: closes the connection, in order or at once. */
void conn_expire(struct conn *c);

/* Starts an orderly close, for an external reason (lifetime, end of a drain). An incomplete request
 * is answered as a late one. */
void conn_finish(struct conn *c, enum conn_end reason);

/* Enters CONN_OVER without sending anything, for an external reason. */
void conn_abort(struct conn *c, enum conn_end reason);

/* From now on it closes after CONN_TIMEOUT_QUIET without a byte, unless a request is incomplete. */
void conn_drain(struct conn *c);

/* Closes the transport and returns the buffer. */
void conn_done(struct conn *c);

/* The word in the log. */
const char *conn_state_name(enum conn_state state);

#endif
