/* SPDX-License-Identifier: MIT */
/*
 * One client of the admin address: a request is read, an answer is sent, and then it is waited for
 * the client's end, for closing with unread input would destroy the answer on its way.
 *
 * Ownership: an admin_conn owns its socket and answer.   Threads: the reactor's.
 */
#ifndef TLSECHO_ADMIN_CONN_H
#define TLSECHO_ADMIN_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "admin_request.h"
#include "tlsecho/net/reactor.h"

enum admin_state {
    ADMIN_FREE, /* there is no client */
    ADMIN_READING,
    ADMIN_SENDING,
    ADMIN_LINGERING,
    ADMIN_OVER, /* to be closed */
};

struct admin_conn {
    struct reactor_source source;
    enum admin_state state;
    uint64_t due_us; /* of the present state */
    char request[ADMIN_REQUEST_BYTES];
    size_t request_bytes;
    char *answer; /* what of it is still to be sent */
    size_t answer_bytes, sent_bytes;
    size_t dropped_bytes;
    /* The answer to that status and, where it is 200, request; NULL = no memory for one. */
    char *(*respond)(void *owner, int status, const struct admin_request *request,
                     size_t *ret_size);
    void *owner;
};

/* Starts on a connected, non-blocking socket, which it takes over. */
void admin_conn_start(struct admin_conn *c, int fd, uint64_t now_us);

/* Does what can be done now. Afterwards it is ADMIN_OVER, or waits for what is returned, a set of
 * enum want, until due_us. */
unsigned admin_conn_run(struct admin_conn *c, uint64_t now_us);

/* due_us has passed: the same. */
unsigned admin_conn_expire(struct admin_conn *c, uint64_t now_us);

/* Closes it, whatever it is at: ADMIN_FREE. */
void admin_conn_close(struct admin_conn *c);

#endif
