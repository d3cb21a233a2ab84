/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that is kept for the time when there is none left. Without it whoever is waiting to
 * be accepted would wait for ever: accept(2) fails before it takes anybody out of the queue.
 *
 * Ownership: spare_close.   Threads: one at a time.
 */
#ifndef TLSECHO_SPARE_H
#define TLSECHO_SPARE_H

#include "tlsecho/address.h"

struct spare {
    int fd; /* -1 = none */
};

/* Keeps one, if there is one. Does nothing if it has one already. */
void spare_open(struct spare *spare);
void spare_close(struct spare *spare);

/* Accepts one at a listening socket, in the place of the spare descriptor, and closes it. -1: errno
 * of accept(2). */
int spare_refuse(struct spare *spare, int listening, struct address *ret_source);

#endif
