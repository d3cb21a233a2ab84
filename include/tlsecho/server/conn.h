/* SPDX-License-Identifier: MIT */
/*
 * The life of one connection: PROXY -> HANDSHAKE -> SERVE or PRODUCE -> SHUTDOWN -> LINGER, a small
 * state machine that moves bytes from a transport through a service and back. It knows neither
 * sockets nor loops nor clocks: conn_run does what can be done now and says what to wait for.
 *
 * Ownership: a conn owns its transport and what it borrowed from the pool.   Threads: its worker's.
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

/* What bounds the present wait. */
enum conn_timeout {
    CONN_TIMEOUT_HANDSHAKE, /* from the start, absolute: PROXY and HANDSHAKE together */
    CONN_TIMEOUT_IDLE,      /* from the last byte either way */
    CONN_TIMEOUT_WRITE,     /* from the last byte that the peer took */
    CONN_TIMEOUT_QUIET,     /* while draining, in place of idle */
    CONN_TIMEOUT_LINGER,    /* from our end, absolute: SHUTDOWN and LINGER together */
    CONN_TIMEOUTS,
};

enum conn_state {
    CONN_PROXY, /* a PROXY header comes before the transport's first byte */
    CONN_HANDSHAKE,
    CONN_SERVE,   /* the service answers */
    CONN_PRODUCE, /* the service has bytes of its own */
    CONN_SHUTDOWN,
    CONN_LINGER,
    CONN_OVER,
};

/* In one turn of the loop; after that it is the others' turn. */
enum {
    CONN_TURNS_MAX = 8,  /* reads */
    CONN_BLOCKS_MAX = 2, /* whole buffers of a service's own bytes */
};

/* Only the machine writes to it; whoever owns it may read. */
struct conn {
    enum conn_state state;
    enum conn_end end;
    enum conn_timeout timeout; /* the one that runs now */
    bool established;          /* the handshake is done */
    bool hello_begun;          /* bytes of the handshake have come */
    bool introduced;           /* bytes of a PROXY header have come that speaks for a client */
    bool progressed; /* in the last conn_run bytes moved that matter to its time-out: it starts
                        again */
    bool runnable;   /* there is more to do at once: run it again without waiting */
    bool sending;    /* something is owed, or taken by the transport and not yet sent */
    bool peer_ended; /* nothing more will arrive */
    bool draining;
    bool full;         /* the last read was: a stream, no messages */
    bool client_hello; /* the first bytes on a plain transport were a TLS ClientHello */
    unsigned want;     /* set of enum want; meaningless while `again` */
    struct transport *transport;
    const struct service *service;
    struct pool *pool;
    struct buf owed; /* answered, not yet written */
    uint64_t received_bytes, sent_bytes;
    struct error *error; /* why, for the ends that have one; NULL otherwise, or without memory */
    struct io (*read_proxy)(struct conn *c, enum conn_end *ret_end, struct error *err);
    void (*describe)(const struct conn *c, struct conn_info *ret);
};

/* Takes the transport over. describe gives it the info that its service wants. */
void conn_init(struct conn *c, struct transport *t, const struct service *service,
               struct pool *pool, void (*describe)(const struct conn *c, struct conn_info *ret));

/*
 * Before the first conn_run: a PROXY header comes before the handshake, and `read` takes it from
 * the socket, as a transport's handshake does. `moved` says that bytes of it have come, and with
 * IO_OK that it speaks for a client: a LOCAL one is the proxy's own. With IO_FAILED it may set
 * *ret_end, which is CONN_END_PROXY otherwise.
 */
void conn_expect_proxy(struct conn *c, struct io (*read)(struct conn *c, enum conn_end *ret_end,
                                                         struct error *err));

/* Does what can be done now. Afterwards: state CONN_OVER, or `again`, or `want` with `timeout`. */
void conn_run(struct conn *c);

/* The running time-out has passed: starts the end that belongs to it, or is CONN_OVER. */
void conn_expire(struct conn *c);

/* Starts an orderly end now, for a reason that lies outside (lifetime, drain's deadline). */
void conn_finish(struct conn *c, enum conn_end reason);

/* Is CONN_OVER now, for a reason that lies outside: nothing is sent any more. */
void conn_abort(struct conn *c, enum conn_end reason);

/* From now on it ends as soon as it has been quiet for CONN_TIMEOUT_QUIET. */
void conn_drain(struct conn *c);

/* Closes whatever is open. */
void conn_done(struct conn *c);

/* The word in the log. */
const char *conn_state_name(enum conn_state state);

#endif
