/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/stamp_reflect.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* Where the fields are, RFC 8762 figures 2 and 4: of what a sender sends, and what comes back. */
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

static void put_time(unsigned char *to, const struct timespec *at)
{
    uint64_t time = htobe64(stamp_time((int64_t)at->tv_sec * 1000000000 + at->tv_nsec));
    memcpy(to, &time, sizeof time);
}

static uint32_t get_32(const unsigned char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return be32toh(value);
}

uint32_t stamp_reflect_seq(const unsigned char *packet)
{
    return get_32(packet + SEQ);
}

uint16_t stamp_reflect_ssid(const unsigned char *packet)
{
    return (uint16_t)(packet[SSID] << 8 | packet[SSID + 1]);
}

/* A type for Private Use may mean something else to another sender. */
static bool is_record(const unsigned char *tlv, size_t length)
{
    return tlv[1] == STAMP_TLV_RECORD && length >= STAMP_RECORD_BYTES &&
           get_32(tlv + STAMP_TLV_BYTES) == STAMP_RECORD_MAGIC;
}

static void put_record(unsigned char *to, const struct stamp_record *record)
{
    put_32(to, record->id);
    put_32(to + 4, record->newest);
    put_32(to + 8, record->arrived);
    put_32(to + 12, record->duplicated);
}

/* Sets the flags of each TLV, and fills in those for the record. */
static void answer_tlvs(const struct stamp_reflection *how, unsigned char *tlv, size_t left)
{
    while (left > 0) {
        size_t length = left >= STAMP_TLV_BYTES ? (size_t)(tlv[2] << 8 | tlv[3]) : 0;
        bool malformed = left < STAMP_TLV_BYTES || length > left - STAMP_TLV_BYTES;
        bool record = !malformed && is_record(tlv, length);
        bool known = record || (left >= 2 && tlv[1] == STAMP_TLV_EXTRA_PADDING);
        tlv[0] = (unsigned char)((known ? 0 : STAMP_TLV_UNRECOGNIZED) |
                                 (malformed ? STAMP_TLV_MALFORMED : 0));
        if (malformed)
            return;
        if (record && how->stateful)
            put_record(tlv + STAMP_TLV_BYTES, &how->numbers.record);
        tlv += STAMP_TLV_BYTES + length;
        left -= STAMP_TLV_BYTES + length;
    }
}

void stamp_reflect(const struct stamp_reflection *how, unsigned char *packet, size_t bytes)
{
    assert(bytes >= STAMP_BYTES);
    memmove(packet + SENDER_SEQ, packet, SENDER_BYTES);
    if (how->stateful)
        put_32(packet + SEQ, how->numbers.seq);
    put_time(packet + TIME, &how->sent);
    put_16(packet + ERROR_ESTIMATE, OWN_ERROR_ESTIMATE);
    put_time(packet + RECEIVED, &how->received);
    memset(packet + SENDER_ZERO, 0, SENDER_TTL - SENDER_ZERO);
    packet[SENDER_TTL] = (unsigned char)(how->ttl > 0 ? how->ttl : 0);
    memset(packet + ZERO, 0, STAMP_BYTES - ZERO);
    answer_tlvs(how, packet + STAMP_BYTES, bytes - STAMP_BYTES);
}
