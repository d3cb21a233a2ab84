/* SPDX-License-Identifier: MIT */
/*
 * STAMP test packets in unauthenticated mode (RFC 8762 §4.2.1, §4.3.1), and the Extra Padding TLV
 * behind them (RFC 8972 §4.1). Pure functions of bytes.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_STAMP_H
#define TLSECHO_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STAMP_BYTES = 44,    /* of a packet without TLVs */
    STAMP_TLV_BYTES = 4, /* of the header of a TLV */
    STAMP_TLV_EXTRA_PADDING = 1,
    STAMP_TLV_UNRECOGNIZED = 0x80, /* the flags U, M and I of a TLV, RFC 8972 §4 */
    STAMP_TLV_MALFORMED = 0x40,
    STAMP_TLV_INTEGRITY = 0x20,
    STAMP_ERROR_SYNCHRONIZED = 0x8000, /* the bits S and Z of an error estimate, RFC 4656 §4.1.2 */
    STAMP_ERROR_PTP = 0x4000,          /* its timestamp is a truncated PTP one, not NTP's */
    STAMP_ERROR_LEAST = 1,             /* 2^-32 s: scale 0, multiplier 1, which must not be 0 */
};

/* A timestamp as it is sent: NTP's 64 bits (RFC 5905 §6). unix_ns: since 1970, from 1968 to 2104.
 */
uint64_t stamp_time(int64_t unix_ns);

/* The same back; rounded to nanoseconds. error_estimate: the one beside it says its format. */
int64_t stamp_unix_ns(uint64_t time, uint16_t error_estimate);

/* What a Session-Sender sends. */
struct stamp_request {
    uint32_t seq;
    uint64_t time; /* stamp_time */
    uint16_t error_estimate;
};

/* Whether a packet can have so many bytes: STAMP_BYTES, or with a TLV at least STAMP_TLV_BYTES
 * more. */
bool stamp_size_is_possible(size_t bytes);

/* Writes a packet of so many bytes, which are possible; those beyond STAMP_BYTES are an Extra
 * Padding TLV of zeros. */
void stamp_build_request(const struct stamp_request *request, unsigned char *data, size_t bytes);

#define STAMP_UNKNOWN_NS INT64_MIN

/* What a Session-Reflector sends back. */
struct stamp_reply {
    uint32_t seq;        /* its own; a stateless one repeats the sender's */
    int64_t sent_ns;     /* since 1970, by its clock; STAMP_UNKNOWN_NS = it tells none */
    int64_t received_ns; /* when it received the request; likewise */
    uint16_t error_estimate;
    struct stamp_request request; /* as the reflector received it */
};

/* False: these bytes are too few for one. */
bool stamp_parse_reply(const unsigned char *data, size_t n, struct stamp_reply *ret);

#endif
