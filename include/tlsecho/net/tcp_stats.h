/* SPDX-License-Identifier: MIT */
/*
 * The kernel's statistics of a TCP connection (TCP_INFO, tcp(7)), and pure functions that derive a
 * diagnosis of the network from them.
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
    uint64_t retransmits;             /* segments retransmitted, in total */
    uint64_t repeats;                 /* retransmissions of the oldest unacknowledged segment */
    uint64_t unacknowledged_bytes;    /* of data, sent at least once */
    uint64_t acknowledged_bytes;      /* likewise */
    uint64_t received_bytes;          /* likewise */
    uint64_t offered_bytes; /* the MSS that we offered: the peer sends no larger segment */
    uint64_t segment_bytes; /* the MSS: the most data that a segment carries */
    uint64_t header_bytes;  /* of IP and TCP in each packet with data */
};

/* Works after a reset too. False: not a TCP connection, or the kernel has no statistics.
 */
bool tcp_stats_read(int fd, struct tcp_stats *ret);

/* What has not been acknowledged. */
enum tcp_stats_data {
    TCP_STATS_HANDSHAKE, /* of TLS; the ClientHello until the first answer */
    TCP_STATS_STREAM,
};

/* A ClientHello that was not answered is so large that it may contain X25519MLKEM768. */
bool tcp_stats_is_large_hello(const struct tcp_stats *stats);

/*
 * "1,492 bytes of the ClientHello were sent 5 times and never acknowledged: ..., try ...". False,
 * and no text, if nothing was retransmitted: the answer may just be late.
 */
bool tcp_stats_describe_loss(const struct tcp_stats *stats, enum tcp_stats_data data,
                             char ret[TCP_STATS_TEXT_BYTES]);

/* "the SYN was sent 4 times and never answered: ...". */
void tcp_stats_describe_syn(const struct tcp_stats *stats, char ret[TCP_STATS_TEXT_BYTES]);

/*
 * About a reset that arrived after_us after the first unacknowledged bytes were sent. Within half
 * of the smallest round trip, if that is at least 10 ms, it cannot be the answer of the peer.
 * False, and no text: it can.
 */
bool tcp_stats_describe_reset(const struct tcp_stats *stats, uint64_t after_us,
                              char ret[TCP_STATS_TEXT_BYTES]);

#endif
