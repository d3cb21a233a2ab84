/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/pool.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEPT_MAX = 16, /* kept for reuse; more are freed */
    PIPE_BYTES = 256 * 1024,
};

struct pool_block {
    struct pool_block *next;
};

void pool_init(struct pool *pool, size_t buffer_bytes)
{
    assert(buffer_bytes >= sizeof(struct pool_block));
    *pool = (struct pool){.buffer_bytes = buffer_bytes, .pipe = {-1, -1}};
}

void pool_done(struct pool *pool)
{
    while (pool->kept) {
        struct pool_block *block = pool->kept;
        pool->kept = block->next;
        free(block);
    }
    pool->kept_count = 0;
    if (pool->pipe[0] >= 0) {
        close(pool->pipe[0]);
        close(pool->pipe[1]);
    }
}

const int *pool_pipe(struct pool *pool)
{
    if (pool->pipe[0] < 0) {
        if (pipe2(pool->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
            return NULL;
        /* splice uses one page per segment, so a buffer may need many. Without it splice still
         * works. */
        (void)fcntl(pool->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
    }
    return pool->pipe;
}

bool pool_lend(struct pool *pool, struct buf *b)
{
    assert(!b->data);
    struct pool_block *block = pool->kept;
    if (block) {
        pool->kept = block->next;
        pool->kept_count--;
    } else {
        block = malloc(pool->buffer_bytes);
        if (!block)
            return false;
    }
    *b = (struct buf){.data = (unsigned char *)block, .size = pool->buffer_bytes};
    return true;
}

void pool_return(struct pool *pool, struct buf *b)
{
    if (!b->data)
        return;
    struct pool_block *block = (struct pool_block *)(void *)b->data;
    *b = (struct buf){.data = NULL};
    if (pool->kept_count >= KEPT_MAX) {
        free(block);
        return;
    }
    block->next = pool->kept;
    pool->kept = block;
    pool->kept_count++;
}
