/* SPDX-License-Identifier: MIT */
/*
 * What the states of a connection share: conn.c (the machine), conn_serve.c (bytes).
 *
 * Ownership, Threads: as conn.h.
 */
#ifndef TLSECHO_CONN_INTERNAL_H
#define TLSECHO_CONN_INTERNAL_H

#include "tlsecho/server/conn.h"

/* What a step of the machine leads to. */
enum step {
    STEP_ON,   /* go on in this state */
    STEP_WAIT, /* nothing to do until `want`, `timeout` or the next turn */
    STEP_LEFT, /* another state has been entered: nothing of this one may be done any more */
};

/* wish: IO_WANT_READ or IO_WANT_WRITE. */
enum step conn_wait(struct conn *c, enum io_status wish, enum conn_timeout timeout);

/* It is the others' turn now. */
enum step conn_yield(struct conn *c, enum conn_timeout timeout);

/* These five enter a state: STEP_LEFT. */
enum step conn_enter(struct conn *c, enum conn_state state);

/* The first reason is the one that counts. */
enum step conn_end_as(struct conn *c, enum conn_end reason, enum conn_state next);

/* The peer ended it; a probe, whatever the reason, if no byte has come or gone. */
enum step conn_peer_ended(struct conn *c, enum conn_end reason, enum conn_state next);

/* A transport that failed has an alert to send, unless the failure was our own. */
enum step conn_fail(struct conn *c, const struct error *err, enum conn_end reason);

/* Gone without an end: by RST, or silently. err NULL: nothing more is known. */
enum step conn_gone(struct conn *c, const struct error *err);

/* Hands over what is owed, as far as the transport takes it. STEP_ON: nothing waits any more. */
enum step conn_send_owed(struct conn *c, enum conn_timeout timeout);

/* One read whose bytes nobody wants. */
struct io conn_drop_input(struct conn *c, struct error *err);

/* The two states in which bytes are served. */
enum step conn_serve(struct conn *c);
enum step conn_produce(struct conn *c);

#endif
