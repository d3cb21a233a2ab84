/* SPDX-License-Identifier: MIT */
/*
 * A buffer of bytes that wait: taken from the front, added at the end.
 *
 * Ownership: `data` belongs to its lender.   Threads: one at a time.
 */
#ifndef TLSECHO_BUF_H
#define TLSECHO_BUF_H

#include <assert.h>
#include <stddef.h>

struct buf {
    unsigned char *data; /* NULL while nothing is lent */
    size_t size;
    size_t start, end; /* the waiting bytes: data[start..end) */
};

static inline size_t buf_waiting(const struct buf *b)
{
    return b->end - b->start;
}

static inline const unsigned char *buf_front(const struct buf *b)
{
    return b->data ? b->data + b->start : NULL;
}

/* Removes the first n waiting bytes; an emptied buffer starts at 0 again. */
static inline void buf_take(struct buf *b, size_t n)
{
    assert(n <= buf_waiting(b));
    b->start += n;
    if (b->start == b->end)
        b->start = b->end = 0;
}

#endif
