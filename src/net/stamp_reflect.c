/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/stamp_reflect.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* Where the fields are, RFC 8762 figures 2 and 5: of what a sender sends, and what comes back. */
enum {
    SEQ = 0,
    TIME = 4,
    ERROR_ESTIMATE = 12,
    SSID = 14, /* RFC 8972 §3 */
    RECEIVED = 16,
    SENDER_SEQ = 24, /* then its timestamp and its error estimate: 14 bytes, as it sent them */
    SENDER_ZERO = 38,
    SENDER_TTL = 40,
    ZERO = 41,
};

enum { SENDER_BYTES = SSID };

/* RFC 8972 §4 */
enum {
    TLV_BYTES = 4, /* flags, type and length, before the value */
    TLV_EXTRA_PADDING = 1,
    TLV_UNRECOGNIZED = 0x80,
    TLV_MALFORMED = 0x40,
};

/* RFC 4656 §4.1.2: S 0, Z 0, scale 12, multiplier 1: 2^-20 s, the clock's step rounded up. */
enum { OWN_ERROR_ESTIMATE = 12 << 8 | 1 };

static void put_16(unsigned char *to, uint16_t value)
{
    value = htobe16(value);
    memcpy(to, &value, sizeof value);
}

static void put_32(unsigned char *to, uint32_t value)
{
    value = htobe32(value);
    memcpy(to, &value, sizeof value);
}

/* RFC 5905 §6: seconds since 1900, and their fraction in 2^-32. */
static void put_time(unsigned char *to, const struct timespec *at)
{
    const uint64_t from_1900_to_1970 = UINT64_C(2208988800);
    put_32(to, (uint32_t)((uint64_t)at->tv_sec + from_1900_to_1970));
    put_32(to + 4, (uint32_t)(((uint64_t)at->tv_nsec << 32) / 1000000000));
}

uint16_t stamp_reflect_ssid(const unsigned char *packet)
{
    return (uint16_t)(packet[SSID] << 8 | packet[SSID + 1]);
}

/* Sets the flags of each TLV. */
static void judge_tlvs(unsigned char *tlv, size_t left)
{
    while (left > 0) {
        size_t length = left >= TLV_BYTES ? (size_t)(tlv[2] << 8 | tlv[3]) : 0;
        bool malformed = left < TLV_BYTES || length > left - TLV_BYTES;
        bool known = left >= 2 && tlv[1] == TLV_EXTRA_PADDING;
        tlv[0] = (unsigned char)((known ? 0 : TLV_UNRECOGNIZED) | (malformed ? TLV_MALFORMED : 0));
        if (malformed)
            return;
        tlv += TLV_BYTES + length;
        left -= TLV_BYTES + length;
    }
}

void stamp_reflect(const struct stamp_reflection *how, unsigned char *packet, size_t bytes)
{
    assert(bytes >= STAMP_REFLECT_BYTES);
    memmove(packet + SENDER_SEQ, packet, SENDER_BYTES);
    if (how->stateful)
        put_32(packet + SEQ, how->seq);
    put_time(packet + TIME, &how->sent);
    put_16(packet + ERROR_ESTIMATE, OWN_ERROR_ESTIMATE);
    put_time(packet + RECEIVED, &how->received);
    memset(packet + SENDER_ZERO, 0, SENDER_TTL - SENDER_ZERO);
    packet[SENDER_TTL] = (unsigned char)(how->ttl > 0 ? how->ttl : 0);
    memset(packet + ZERO, 0, STAMP_REFLECT_BYTES - ZERO);
    judge_tlvs(packet + STAMP_REFLECT_BYTES, bytes - STAMP_REFLECT_BYTES);
}
