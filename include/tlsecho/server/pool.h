/* SPDX-License-Identifier: MIT */
/*
 * Buffers that connections borrow while they hold bytes, so that idle ones hold none and no echo
 * allocates; and a pipe for splice(2).
 *
 * Ownership: the pool's; lent buffers must be returned before pool_done.   Threads: its worker's.
 */
#ifndef TLSECHO_POOL_H
#define TLSECHO_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/buf.h"

struct pool_block;

struct pool {
    size_t buffer_bytes;
    struct pool_block *kept;
    unsigned kept_count;
    int pipe[2]; /* -1 until pool_pipe */
};

void pool_init(struct pool *pool, size_t buffer_bytes);
void pool_done(struct pool *pool);

/* Lends b, which holds none, a buffer. False: no memory. */
bool pool_lend(struct pool *pool, struct buf *b);

/* Takes b's buffer back; b may hold none. */
void pool_return(struct pool *pool, struct buf *b);

/* A pipe, empty between two uses, for transport_splice; NULL: none could be created. */
const int *pool_pipe(struct pool *pool);

#endif
