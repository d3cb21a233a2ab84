/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that is kept for the time when there is none left. Without it whoever is waiting to
 * be accepted would wait for ever: accept(2) fails before it takes anybody out of the queue.
 *
 * Ownership: reserve_fd_close.   Threads: one at a time.
 */
#ifndef TLSECHO_RESERVE_FD_H
#define TLSECHO_RESERVE_FD_H

#include "tlsecho/net/address.h"

struct reserve_fd {
    int fd; /* -1 = none */
};

/* Keeps one, if there is one. Does nothing if it has one already. */
void reserve_fd_open(struct reserve_fd *reserve);
void reserve_fd_close(struct reserve_fd *reserve);

/* Accepts one at a listening socket, in the place of the spare descriptor, and closes it. -1: errno
 * of accept(2). */
int reserve_fd_refuse(struct reserve_fd *reserve, int listening, struct address *ret_source);

#endif
