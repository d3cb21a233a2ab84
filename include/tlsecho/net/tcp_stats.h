/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of a TCP connection (TCP_INFO, tcp(7)), as a value, and what follows from
 * it about the network: pure functions that turn the value into a sentence.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_TCP_STATS_H
#define TLSECHO_TCP_STATS_H

#include <stdbool.h>
#include <stdint.h>

enum { TCP_STATS_TEXT_BYTES = 320 };

struct tcp_stats {
    uint64_t rtt_us, rtt_variance_us; /* smoothed, RFC 6298 */
    uint64_t min_rtt_us;              /* the smallest round trip, SYN included; 0 = unknown */
    uint64_t retransmits;             /* segments sent again, in all */
    uint64_t repeats;                 /* how often the oldest unacknowledged one was sent again */
    uint64_t unacknowledged_bytes;    /* of data, sent at least once */
    uint64_t received_bytes;          /* of data */
    uint64_t segment_bytes;           /* what one segment carries at most (MSS) */
};

/* Also of a connection that was reset. False: it is no TCP connection, or the kernel does not tell.
 */
bool tcp_stats_read(int fd, struct tcp_stats *ret);

/* What has not been acknowledged. */
enum tcp_stats_data {
    TCP_STATS_HANDSHAKE, /* of TLS; before anything has come back it is the ClientHello */
    TCP_STATS_STREAM,
};

/*
 * "1,492 bytes of the ClientHello were sent 5 times and never acknowledged: ..., try ...". False,
 * and no text, where nothing had to be sent again: then it may only be late.
 */
bool tcp_stats_describe_loss(const struct tcp_stats *stats, enum tcp_stats_data data,
                             char ret[TCP_STATS_TEXT_BYTES]);

/* "the SYN was sent 4 times and never answered: ...". */
void tcp_stats_describe_syn(const struct tcp_stats *stats, char ret[TCP_STATS_TEXT_BYTES]);

/*
 * A reset that came after_us after the first bytes that the peer has not acknowledged. Within half
 * of the smallest round trip, where that is 10 ms or more, the peer cannot have sent it in answer.
 * False, and no text: it can.
 */
bool tcp_stats_describe_reset(const struct tcp_stats *stats, uint64_t after_us,
                              char ret[TCP_STATS_TEXT_BYTES]);

#endif
