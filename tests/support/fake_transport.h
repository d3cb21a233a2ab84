/* SPDX-License-Identifier: MIT */
/*
 * A transport that does what a script says, and remembers what was done to it. Each operation has
 * its own list of results; past a list's end, handshake, write and shutdown succeed and a read
 * waits.
 *
 * Ownership: embedded in the test; `free` only counts.   Threads: one.
 */
#ifndef TLSECHO_FAKE_TRANSPORT_H
#define TLSECHO_FAKE_TRANSPORT_H

#include <stddef.h>

#include "tlsecho/net/transport.h"

enum { FAKE_STEPS = 64, FAKE_WRITTEN_BYTES = 1 << 20 };

/* io.n of a write is how many bytes it takes at the most, data of a read what it brings. */
struct fake_step {
    struct io io;
    const char *data;
};

struct fake_script {
    struct fake_step steps[FAKE_STEPS];
    size_t count, next;
    struct fake_step after; /* what goes on for ever past the end */
};

struct fake_transport {
    struct transport base;
    struct fake_script handshakes, reads, writes, shutdowns;
    enum error_kind failure; /* of the error that comes with IO_FAILED */
    int reset_errno;         /* of the error that comes with IO_RESET */
    unsigned char written[FAKE_WRITTEN_BYTES];
    size_t written_bytes;
    int shutdown_at; /* -1, or how many bytes had been written at the first shutdown */
    int read_calls, write_calls, finish_calls, freed;
};

void fake_init(struct fake_transport *fake);

/* Adds a result with no bytes in it. */
void fake_add(struct fake_script *script, enum io_status status);
/* A read that brings this text. */
void fake_add_read(struct fake_transport *fake, const char *text);
/* The same, and says that there is more. */
void fake_add_read_more(struct fake_transport *fake, const char *text);
/* A write that takes n bytes and would like to go on later. */
void fake_add_short_write(struct fake_transport *fake, size_t n);

#endif
