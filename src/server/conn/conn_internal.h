/* SPDX-License-Identifier: MIT */
/*
 * What the states of a connection share: conn.c (the machine), conn_serve.c (bytes),
 * conn_converse.c (requests).
 *
 * Ownership, Threads: as conn.h.
 */
#ifndef TLSECHO_CONN_INTERNAL_H
#define TLSECHO_CONN_INTERNAL_H

#include "tlsecho/server/conn.h"

/* What to do after a step. */
enum step {
    STEP_ON,   /* go on in this state */
    STEP_WAIT, /* wait for `want`, `timeout` or the next turn */
    STEP_LEFT, /* another state was entered: do no more of this one */
};

/* wish: IO_WANT_READ or IO_WANT_WRITE. */
enum step conn_wait(struct conn *c, enum io_status wish, enum conn_timeout timeout);

/* Continues in the next turn of the loop. */
enum step conn_yield(struct conn *c, enum conn_timeout timeout);

/* These five enter a state: STEP_LEFT. */
enum step conn_enter(struct conn *c, enum conn_state state);

/* The first reason is kept. */
enum step conn_end_as(struct conn *c, enum conn_end reason, enum conn_state next);

/* The peer closed it; CONN_END_PROBE if no byte was received or sent. */
enum step conn_peer_ended(struct conn *c, enum conn_end reason, enum conn_state next);

/* The transport failed: pending output is dropped. SHUTDOWN sends its alert, unless the failure is
 * local (ERROR_SYSTEM). */
enum step conn_fail(struct conn *c, const struct error *err, enum conn_end reason);

/* Lost without a FIN: RST, or a time-out of the kernel. err NULL: unknown. */
enum step conn_lost(struct conn *c, const struct error *err);

/* Writes pending output as far as the transport accepts it. STEP_ON: none is left. */
enum step conn_send_output(struct conn *c, enum conn_timeout timeout);

/* One read, whose bytes are dropped. */
struct io conn_drop_input(struct conn *c, struct error *err);

/* A TLS client on a plain listener: the record header and type of RFC 8446 §4 and §5.1. */
static inline bool conn_is_client_hello(const unsigned char *data, size_t n)
{
    return n >= 6 && data[0] == 0x16 && data[1] == 3 && data[5] == 1;
}

/* Counts n > 0 bytes of input. */
static inline void conn_count_input(struct conn *c, const unsigned char *data, size_t n)
{
    if (c->received_bytes == 0)
        c->client_hello = conn_is_client_hello(data, n);
    c->received_bytes += n;
}

/* CONN_TIMEOUT_IDLE, or that of a drain. */
static inline enum conn_timeout conn_quiet_timeout(const struct conn *c)
{
    return c->draining ? CONN_TIMEOUT_QUIET : CONN_TIMEOUT_IDLE;
}

/* The states SERVE, PRODUCE and CONVERSE. */
enum step conn_serve(struct conn *c);
enum step conn_produce(struct conn *c);
enum step conn_converse(struct conn *c);

/* Whether a request has begun to arrive and is not complete. */
bool conn_converse_reads(const struct conn *c);

/* A time-out has expired; whether it is that of a request, which is then answered. */
bool conn_converse_late(struct conn *c);

/* In CONVERSE: starts an orderly close. An incomplete request is answered as a late one. */
void conn_converse_finish(struct conn *c, enum conn_end reason);

/* Frees the conversation, if there is one. */
void conn_conversation_free(struct conn *c);

#endif
