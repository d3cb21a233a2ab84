/* SPDX-License-Identifier: MIT */
/*
 * What this host's kernel has put into the SYN of a connection, as far as it tells: TCP_INFO and
 * other options of the socket, and /proc/sys/net/ipv4, tcp(7).
 *
 * Ownership: a value, no heap.   Threads: any.
 */
#ifndef TLSECHO_SYN_SENT_H
#define TLSECHO_SYN_SENT_H

#include <stdbool.h>
#include <stdint.h>

enum syn_sent_option { SYN_SENT_UNKNOWN, SYN_SENT_NO, SYN_SENT_YES };

struct syn_sent {
    int mss, dscp, ttl; /* -1 = unknown */
    enum syn_sent_option ecn, sack, timestamps, window_scale;
    int window_shift; /* of window_scale (RFC 7323 §2.2); -1 = unknown, as where it was not agreed
                         on */
    bool repeated;    /* it was sent more than once; Linux offers no ECN in the later ones */
    /* The clock of its timestamps, when it was read. */
    bool has_clock;
    uint32_t clock;
    uint32_t clock_hz; /* 1000, or 1000000 */
};

/* For a connection that this host has opened. False: it is not TCP, or the kernel tells nothing. */
bool syn_sent_read(int fd, struct syn_sent *ret);

/*
 * Whether that TSval (RFC 7323) can be of this clock, in a SYN that was sent at most elapsed_us
 * before the clock was read. Each connection has an offset of its own at random, so that another
 * host's clock agrees with ours once in millions of times.
 */
bool syn_sent_is_own_clock(const struct syn_sent *sent, uint32_t tsval, uint64_t elapsed_us);

#endif
