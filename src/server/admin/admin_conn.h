/* SPDX-License-Identifier: MIT */
/*
 * One client of the admin address: reads a request, sends the answer, and then waits for the
 * client's FIN, since closing with unread input would reset the connection and lose the answer.
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
    uint64_t due_us; /* time-out of the state */
    char request[ADMIN_REQUEST_BYTES];
    size_t request_bytes;
    char *answer; /* the whole, of which sent_bytes are sent */
    size_t answer_bytes, sent_bytes;
    size_t dropped_bytes;
    /* Returns the answer for that status and request, as admin_request_parse left it; NULL = no
     * memory. */
    char *(*respond)(void *owner, enum http_status status, const struct admin_request *request,
                     size_t *ret_size);
    void *owner;
};

/* Takes over a connected, non-blocking socket. */
void admin_conn_start(struct admin_conn *c, int fd, uint64_t now_us);

/* Does what can be done now. Returns what to wait for until due_us, a set of enum want, unless it
 * is ADMIN_OVER. */
unsigned admin_conn_run(struct admin_conn *c, uint64_t now_us);

/* due_us has passed: likewise. */
unsigned admin_conn_expire(struct admin_conn *c, uint64_t now_us);

/* Closes it in any state: ADMIN_FREE. */
void admin_conn_close(struct admin_conn *c);

#endif
