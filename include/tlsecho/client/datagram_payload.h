/* SPDX-License-Identifier: MIT */
/*
 * The payload of a probe that is one datagram: its number, a key of the run, and bytes that look
 * random and are other ones in each datagram. So each reply says which probe it answers, whatever
 * came before it, and a byte that was changed, or came from another datagram, is found.
 *
 * The number is in the first 5 bytes and the key in the next 4, seven bits in each, with the
 * highest bit set: a server that answers in upper case leaves them as they are. A payload of fewer
 * bytes has the last digits of the number, and tells fewer probes apart.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_DATAGRAM_PAYLOAD_H
#define TLSECHO_DATAGRAM_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/client/expect_kind.h"

enum { DATAGRAM_PAYLOAD_MAX = 65507 }; /* over IPv4: RFC 768, RFC 791 */

struct datagram_payload {
    uint32_t key;            /* its lower 28 bits count */
    size_t bytes;            /* 1 to DATAGRAM_PAYLOAD_MAX */
    enum expect_kind expect; /* EXPECT_ECHO or EXPECT_UPPER */
};

enum datagram_verdict {
    DATAGRAM_SAME,    /* it answers probe seq, as expected */
    DATAGRAM_DIFFERS, /* it is not as expected */
    DATAGRAM_FOREIGN, /* it answers a probe of another run */
};

/* What a reply is. */
struct datagram_answer {
    uint64_t seq; /* 0 = that of no probe */
    size_t at;    /* the first byte that differs; behind the end of both, the length alone does */
    unsigned char expected, got;
};

/* How many probes can be told apart at least, half of them on their way: a power of two. */
size_t datagram_payload_window(const struct datagram_payload *p);

/* Writes the payload of a probe, p->bytes. */
void datagram_payload_fill(const struct datagram_payload *p, uint64_t seq, unsigned char *data);

/* A reply of n bytes was received, when last_seq was the last one sent. */
enum datagram_verdict datagram_payload_check(const struct datagram_payload *p, uint64_t last_seq,
                                             const unsigned char *data, size_t n,
                                             struct datagram_answer *ret);

/* Which probe a payload of n bytes, or the beginning of one, is of; 0 = unknown. */
uint64_t datagram_payload_seq(const struct datagram_payload *p, uint64_t last_seq,
                              const unsigned char *data, size_t n);

#endif
