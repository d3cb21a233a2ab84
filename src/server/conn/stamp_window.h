/* SPDX-License-Identifier: MIT */
/*
 * Which sequence numbers of a STAMP sender have arrived: a sliding window of bits, as DTLS has one
 * against replays (RFC 6347 §4.1.2.6).
 *
 * A number that is at most STAMP_WINDOW - 1 behind the newest is told from a duplicate. With a
 * probe every millisecond, the shortest interval of tlsecho-client, these are two seconds of
 * reordering; 256 bytes in each session.
 *
 * Ownership: a value; zero it to start.   Threads: one at a time.
 */
#ifndef TLSECHO_STAMP_WINDOW_H
#define TLSECHO_STAMP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/net/stamp.h"

enum { STAMP_WINDOW = STAMP_RECORD_WINDOW, STAMP_WINDOW_WORD_BITS = 64 };

struct stamp_window {
    bool began;
    uint32_t newest;
    uint64_t words[STAMP_WINDOW / STAMP_WINDOW_WORD_BITS]; /* a bit for each up to `newest` */
};

enum stamp_arrival {
    STAMP_ARRIVAL_NEW,
    STAMP_ARRIVAL_DUPLICATE,
    STAMP_ARRIVAL_OLD, /* too far behind to know */
};

/* That number has arrived. Numbers wrap around after 32 bits: one that is less than 2^31 ahead of
 * the newest is newer. */
enum stamp_arrival stamp_window_take(struct stamp_window *w, uint32_t seq);

#endif
