/* SPDX-License-Identifier: MIT */
/*
 * Buffers that connections borrow while bytes wait, so that idle ones hold none and no echo
 * allocates; and a pipe for bytes that need no buffer.
 *
 * Ownership: the pool's; a lent buffer must come back before pool_done.   Threads: its worker's.
 */
#ifndef TLSECHO_POOL_H
#define TLSECHO_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/buf.h"

struct pool_block;

struct pool {
    size_t buffer_bytes;
    struct pool_block *spare;
    unsigned spare_count;
    int pipe[2]; /* -1 until one is asked for */
};

void pool_init(struct pool *pool, size_t buffer_bytes);
void pool_done(struct pool *pool);

/* Gives b, which holds none, a buffer. False if there is no memory. */
bool pool_lend(struct pool *pool, struct buf *b);

/* Takes b's buffer back; b may hold none. */
void pool_return(struct pool *pool, struct buf *b);

/* A pipe that is empty between two uses, for transport_splice; NULL if there is none. */
const int *pool_pipe(struct pool *pool);

#endif
