/* SPDX-License-Identifier: MIT */
/*
 * What a STAMP Session-Reflector makes of a test packet, in unauthenticated mode: RFC 8762 §4.3.1,
 * with the session identifier and the TLVs of RFC 8972. Pure functions of bytes.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_STAMP_REFLECT_H
#define TLSECHO_STAMP_REFLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tlsecho/net/stamp.h"

enum {
    /* The answer's own sequence number and timestamp come first. A reflector that takes the answer
     * for a test packet returns them further back. */
    STAMP_REFLECT_MARK_BYTES = 12,
    STAMP_REFLECT_MARK_OFFSET = 24,
};

struct stamp_reflection {
    bool stateful; /* it has numbers of its own; else it repeats the sender's */
    struct stamp_numbers numbers;
    struct timespec received, sent; /* CLOCK_REALTIME */
    int ttl;                        /* of the packet as it came; negative = unknown, sent as 0 */
};

/* Of a test packet, which has STAMP_BYTES at least: its sequence number, and the session
 * identifier, RFC 8972 §3; 0 = none. */
uint32_t stamp_reflect_seq(const unsigned char *packet);
uint16_t stamp_reflect_ssid(const unsigned char *packet);

/*
 * Turns a test packet of so many bytes, STAMP_BYTES at least, into its answer, which is as
 * long. A TLV for the record gets it, if the answer is stateful, and else comes back as it is. One
 * that is neither that nor Extra Padding gets the flag U, one that is longer than the rest of the
 * packet the flag M, and ends it (RFC 8972 §4). The error estimate says that the clock may not be
 * synchronised (S is 0), and that its timestamps have the NTP format (Z is 0).
 */
void stamp_reflect(const struct stamp_reflection *how, unsigned char *packet, size_t bytes);

#endif
