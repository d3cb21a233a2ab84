/* SPDX-License-Identifier: MIT */
/*
 * The life of one connection: HANDSHAKE -> SERVE -> SHUTDOWN -> LINGER, a small state machine that
 * moves bytes from a transport through a service and back. It knows neither sockets nor loops nor
 * clocks: conn_run does what can be done now and says what to wait for.
 *
 * Ownership: a conn owns its transport and what it borrowed from the pool.   Threads: its worker's.
 */
#ifndef TLSECHO_CONN_H
#define TLSECHO_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/buf.h"
#include "tlsecho/error.h"
#include "tlsecho/pool.h"
#include "tlsecho/service.h"
#include "tlsecho/transport.h"
#include "tlsecho/want.h"

/* How a connection ended: the word in the log. */
enum conn_end {
    CONN_END_NONE,              /* it lives */
    CONN_END_CLOSED,            /* the peer ended it, and got everything that was owed */
    CONN_END_CUT,               /* likewise, but its FIN came without close_notify */
    CONN_END_RESET,             /* RST */
    CONN_END_VANISHED,          /* the kernel gave it up: keepalive or retransmission timed out */
    CONN_END_HANDSHAKE,         /* the handshake failed, or the peer left in the middle of it */
    CONN_END_TLS,               /* the TLS protocol broke after the handshake */
    CONN_END_HANDSHAKE_TIMEOUT, /* no complete handshake in time */
    CONN_END_IDLE_TIMEOUT,      /* no byte either way */
    CONN_END_WRITE_TIMEOUT,     /* the peer took nothing of what was owed */
    CONN_END_LIFETIME,          /* it lived as long as it may */
    CONN_END_DRAINED,           /* we are stopping, and it was quiet or out of time */
    CONN_END_STOPPED,           /* we stopped at once */
    CONN_END_FAILED,            /* our own side: memory, or a system call */
};

/* What bounds the present wait. */
enum conn_timeout {
    CONN_TIMEOUT_HANDSHAKE, /* from the start of the handshake, absolute */
    CONN_TIMEOUT_IDLE,      /* from the last byte either way */
    CONN_TIMEOUT_WRITE,     /* from the last byte that the peer took */
    CONN_TIMEOUT_QUIET,     /* while draining, in place of idle */
    CONN_TIMEOUT_LINGER,    /* from our end, absolute: SHUTDOWN and LINGER together */
    CONN_TIMEOUTS,
};

enum conn_state { CONN_HANDSHAKE, CONN_SERVE, CONN_SHUTDOWN, CONN_LINGER, CONN_OVER };

enum { CONN_TURNS_MAX = 8 }; /* reads in one turn of the loop: after that it is the others' turn */

struct conn {
    enum conn_state state;
    enum conn_end end;
    enum conn_timeout timeout; /* the one that runs now */
    bool moved;      /* bytes moved in the last conn_run: a relative time-out starts again */
    bool again;      /* there is more to do at once: run it again without waiting */
    bool sending;    /* something is owed, or taken by the transport and not yet sent */
    bool peer_ended; /* nothing more will arrive */
    bool draining;
    bool client_hello; /* the first bytes on a plain transport were a TLS ClientHello */
    unsigned want;     /* set of enum want; meaningless while `again` */
    struct transport *transport;
    const struct service *service;
    struct pool *pool;
    struct buf owed; /* answered, not yet written */
    uint64_t received_bytes, sent_bytes;
    struct error error; /* why, for the ends that have a story; text "" otherwise */
};

/* Takes the transport over. */
void conn_init(struct conn *c, struct transport *t, const struct service *service,
               struct pool *pool);

/* Does what can be done now. Afterwards: state CONN_OVER, or `again`, or `want` with `timeout`. */
void conn_run(struct conn *c);

/* The running time-out has passed: starts the end that belongs to it, or is CONN_OVER. */
void conn_expire(struct conn *c);

/* Starts an orderly end now, for a reason that lies outside (lifetime, drain's deadline). */
void conn_finish(struct conn *c, enum conn_end reason);

/* From now on it ends as soon as it has been quiet for CONN_TIMEOUT_QUIET. */
void conn_drain(struct conn *c);

/* Closes whatever is open. */
void conn_done(struct conn *c);

const char *conn_end_name(enum conn_end reason);

#endif
