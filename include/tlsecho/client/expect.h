/* SPDX-License-Identifier: MIT */
/*
 * Compares what comes back with what was sent. Memory grows with the bytes that have not come back,
 * up to EXPECT_MAX_BYTES; then expect_room is 0, and the caller stops sending until some have.
 *
 * Ownership: an expect owns its window.   Threads: one at a time.
 */
#ifndef TLSECHO_EXPECT_H
#define TLSECHO_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/expect_kind.h"

enum { EXPECT_MAX_BYTES = 16 << 20 };

enum expect_verdict {
    EXPECT_SAME,
    EXPECT_DIFFERS, /* the byte at offset_bytes is `got` instead of `expected` */
    EXPECT_SURPLUS, /* more came than was sent: the first surplus byte is at offset_bytes */
};

struct expect {
    enum expect_kind kind;
    unsigned char *window; /* a ring of size bytes, a power of two; NULL until something is sent */
    size_t size, start, count;
    uint64_t offset_bytes; /* of the next byte to come back, from the start of the stream */
    unsigned char expected, got;
};

void expect_init(struct expect *e, enum expect_kind kind);
void expect_done(struct expect *e);

/* How many more bytes may be sent before some must come back. */
size_t expect_room(const struct expect *e);

/* How many of the bytes sent have not come back. 0 with EXPECT_NONE. */
size_t expect_missing(const struct expect *e);

/* n bytes, at most expect_room, were sent. ERROR_SYSTEM (memory). */
int expect_sent(struct expect *e, const unsigned char *data, size_t n, struct error *err);

/* n bytes came back. After anything but EXPECT_SAME the comparison is over. */
enum expect_verdict expect_received(struct expect *e, const unsigned char *data, size_t n);

/* Whether these bytes are the expected ones in upper case, and differ from them. */
bool expect_is_upper(const struct expect *e, const unsigned char *data, size_t n);

#endif
