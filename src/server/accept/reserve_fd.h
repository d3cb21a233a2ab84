/* SPDX-License-Identifier: MIT */
/*
 * A descriptor in reserve, for when none is left. Without it clients in the backlog would wait
 * forever: accept(2) fails before it removes one from the queue.
 *
 * Ownership: reserve_fd_close.   Threads: one at a time.
 */
#ifndef TLSECHO_RESERVE_FD_H
#define TLSECHO_RESERVE_FD_H

#include "tlsecho/net/address.h"

struct reserve_fd {
    int fd; /* -1 = none */
};

/* Opens it, if a descriptor is free. Does nothing if it is open. */
void reserve_fd_open(struct reserve_fd *reserve);
void reserve_fd_close(struct reserve_fd *reserve);

/* Accepts one connection in place of the reserved descriptor, and closes it. -1: errno of
 * accept(2). */
int reserve_fd_refuse(struct reserve_fd *reserve, int listening, struct address *ret_source);

#endif
