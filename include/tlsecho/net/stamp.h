/* SPDX-License-Identifier: MIT */
/*
 * STAMP test packets in unauthenticated mode (RFC 8762 §4.2.1, §4.3.1), and one TLV behind them:
 * Extra Padding (RFC 8972 §4.1), or the record of arrivals. Pure functions of bytes.
 *
 * The record is a TLV of our own, of a type for Private Use (RFC 8972 §5.1). In the first 16 bytes
 * of its value a sender puts a magic number and zeros, and the reflector what it knows of the
 * session:
 *
 *     0     4       8        12           16
 *     | id  | newest | arrived | duplicated |
 *
 * The counts are cumulative, so that a reply tells of all arrivals before its own request, whatever
 * became of other replies. With the reflector's own sequence number they prove what that number
 * alone leaves open: how many arrivals were probes, and how many were duplicates of probes.
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
    STAMP_TLV_RECORD = 253,
    STAMP_RECORD_BYTES = 16,    /* of its value; more of it are padding */
    STAMP_RECORD_WINDOW = 2048, /* what is less behind the newest number is told from a duplicate */
    STAMP_BYTES_WITH_RECORD = STAMP_BYTES + STAMP_TLV_BYTES + STAMP_RECORD_BYTES,
    STAMP_TLV_UNRECOGNIZED = 0x80, /* the flags U, M and I of a TLV, RFC 8972 §4 */
    STAMP_TLV_MALFORMED = 0x40,
    STAMP_TLV_INTEGRITY = 0x20,
    STAMP_ERROR_SYNCHRONIZED = 0x8000, /* the bits S and Z of an error estimate, RFC 4656 §4.1.2 */
    STAMP_ERROR_PTP = 0x4000,          /* its timestamp is a truncated PTP one, not NTP's */
    STAMP_ERROR_LEAST = 1,             /* 2^-32 s: scale 0, multiplier 1, which must not be 0 */
};

/* What a sender puts into the TLV as the id, and no record has: a TLV of that type without it means
 * something else, and one that comes back with it has no record. */
#define STAMP_RECORD_MAGIC UINT32_C(0x746c7365)

/* A timestamp as it is sent: NTP's 64 bits (RFC 5905 §6). unix_ns: since 1970, from 1968 to 2104.
 */
uint64_t stamp_time(int64_t unix_ns);

/* The same back; rounded to nanoseconds. error_estimate: the one beside it says its format. */
int64_t stamp_unix_ns(uint64_t time, uint16_t error_estimate);

/* What has arrived in a session, up to a request and with it; counts modulo 2^32. */
struct stamp_record {
    uint32_t id;         /* of the record: another one began anew; 0 = there is none;
                            STAMP_RECORD_MAGIC = nor room for the session: it is stateless */
    uint32_t newest;     /* the highest sequence number of the sender */
    uint32_t arrived;    /* different sequence numbers */
    uint32_t duplicated; /* arrivals of one that had arrived */
};

/* What a reflector tells of a session in one of its answers. All arrivals are numbered, from 0: of
 * seq + 1 those that are neither `arrived` nor `duplicated` came too late to know. */
struct stamp_numbers {
    uint32_t seq; /* of its own; a stateless reflector repeats the sender's */
    struct stamp_record record;
};

/* What a Session-Sender sends. */
struct stamp_request {
    uint32_t seq;
    uint16_t ssid; /* RFC 8972 §3; 0 = none */
    uint64_t time; /* stamp_time */
    uint16_t error_estimate;
};

/* Whether a packet can have so many bytes: STAMP_BYTES, or with a TLV at least STAMP_TLV_BYTES
 * more. */
bool stamp_size_is_possible(size_t bytes);

/* Writes a packet of so many bytes, which are possible. Those beyond STAMP_BYTES are a TLV: one for
 * the record from STAMP_BYTES_WITH_RECORD on, and else Extra Padding, of zeros. */
void stamp_build_request(const struct stamp_request *request, unsigned char *data, size_t bytes);

#define STAMP_UNKNOWN_NS INT64_MIN

/* What a Session-Reflector sends back. */
struct stamp_reply {
    struct stamp_numbers numbers;
    int64_t sent_ns;     /* since 1970, by its clock; STAMP_UNKNOWN_NS = it tells none */
    int64_t received_ns; /* when it received the request; likewise */
    uint16_t error_estimate;
    struct stamp_request request; /* as the reflector received it */
};

/* False: these bytes are too few for one. A record that the flags of its TLV do not vouch for is
 * none. */
bool stamp_parse_reply(const unsigned char *data, size_t n, struct stamp_reply *ret);

#endif
