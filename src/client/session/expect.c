/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/expect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/ascii.h"

enum { FIRST_BYTES = 64 << 10 };

void expect_init(struct expect *e, enum expect_kind kind)
{
    *e = (struct expect){.kind = kind};
}

void expect_done(struct expect *e)
{
    free(e->window);
    e->window = NULL;
}

size_t expect_room(const struct expect *e)
{
    return EXPECT_MAX_BYTES - e->count;
}

size_t expect_missing(const struct expect *e)
{
    return e->count;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Makes room for n more. The part that wrapped around to the front moves behind the old end. */
static int grow(struct expect *e, size_t n, struct error *err)
{
    size_t size = e->size ? e->size : FIRST_BYTES;
    while (size - e->count < n)
        size *= 2;
    if (size == e->size)
        return 0;

    unsigned char *window = realloc(e->window, size);
    if (!window)
        return error_sys(err, "memory for %zu bytes on their way", size);

    size_t wrapped = e->start + e->count > e->size ? e->start + e->count - e->size : 0;
    memcpy(window + e->size, window, wrapped);
    e->window = window;
    e->size = size;
    return 0;
}

int expect_sent(struct expect *e, const unsigned char *data, size_t n, struct error *err)
{
    assert(n <= expect_room(e));
    if (e->kind == EXPECT_NONE)
        return 0;
    if (grow(e, n, err) < 0)
        return -1;

    while (n) {
        size_t end = (e->start + e->count) & (e->size - 1);
        size_t part = smaller(n, e->size - end);
        memcpy(e->window + end, data, part);
        if (e->kind == EXPECT_UPPER)
            ascii_upper(e->window + end, part);
        e->count += part;
        data += part;
        n -= part;
    }
    return 0;
}

/* Compares n bytes, contiguous at the start of the window. */
static enum expect_verdict compare(struct expect *e, const unsigned char *data, size_t n)
{
    const unsigned char *expected = e->window + e->start;
    size_t same = memcmp(expected, data, n) == 0 ? n : 0;
    while (same < n && expected[same] == data[same])
        same++;

    e->offset_bytes += same;
    e->start = (e->start + same) & (e->size - 1);
    e->count -= same;
    if (same == n)
        return EXPECT_SAME;
    e->expected = expected[same];
    e->got = data[same];
    return EXPECT_DIFFERS;
}

enum expect_verdict expect_received(struct expect *e, const unsigned char *data, size_t n)
{
    if (e->kind == EXPECT_NONE) {
        e->offset_bytes += n;
        return EXPECT_SAME;
    }

    while (n && e->count) {
        size_t part = smaller(n, smaller(e->count, e->size - e->start));
        if (compare(e, data, part) != EXPECT_SAME)
            return EXPECT_DIFFERS;
        data += part;
        n -= part;
    }
    if (!e->count)
        e->start = 0; /* an empty window starts again in its first pages */
    if (!n)
        return EXPECT_SAME;
    e->got = *data;
    return EXPECT_SURPLUS;
}

bool expect_is_upper(const struct expect *e, const unsigned char *data, size_t n)
{
    bool differs = false;
    for (size_t i = 0; i < n && i < e->count; i++) {
        unsigned char expected = e->window[(e->start + i) & (e->size - 1)], upper = expected;
        ascii_upper(&upper, 1);
        if (data[i] != upper)
            return false;
        differs |= upper != expected;
    }
    return differs;
}
