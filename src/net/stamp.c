/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/stamp.h"

#include <assert.h>
#include <string.h>

#define SECOND_NS   INT64_C(1000000000)
#define NTP_1970_S  UINT64_C(2208988800) /* since 1900 */
#define NTP_ERA_S   (UINT64_C(1) << 32)
#define NTP_FIRST_S (UINT64_C(1) << 31) /* 1968: earlier ones are of the next era */

/* Where the fields are, RFC 8762 figures 2 and 4. */
enum {
    SEQ = 0,
    TIME = 4,
    ERROR_ESTIMATE = 12,
    SSID = 14,
    RECEIVED = 16,
    SENDER_SEQ = 24,
    SENDER_TIME = 28,
    SENDER_ERROR_ESTIMATE = 36,
};

static void put(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        at[i] = (unsigned char)value;
        value >>= 8;
    }
}

static uint64_t get(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

uint64_t stamp_time(int64_t unix_ns)
{
    int64_t seconds = unix_ns / SECOND_NS, rest_ns = unix_ns % SECOND_NS;
    if (rest_ns < 0) {
        seconds--;
        rest_ns += SECOND_NS;
    }
    uint64_t fraction = ((uint64_t)rest_ns << 32) / (uint64_t)SECOND_NS;
    return ((uint64_t)seconds + NTP_1970_S) << 32 | fraction;
}

static int64_t ntp_unix_ns(uint64_t time)
{
    uint64_t seconds = time >> 32;
    uint64_t fraction = time & UINT32_MAX;
    if (seconds < NTP_FIRST_S)
        seconds += NTP_ERA_S;
    uint64_t rest_ns = (fraction * (uint64_t)SECOND_NS + (UINT64_C(1) << 31)) >> 32;
    return ((int64_t)seconds - (int64_t)NTP_1970_S) * SECOND_NS + (int64_t)rest_ns;
}

/* Seconds and nanoseconds, 32 bits each; IEEE 1588 counts from 1970, but by TAI, which is ahead of
 * UTC by a constant number of seconds that the packet does not tell. */
static int64_t ptp_unix_ns(uint64_t time)
{
    return (int64_t)(time >> 32) * SECOND_NS + (int64_t)(time & UINT32_MAX);
}

int64_t stamp_unix_ns(uint64_t time, uint16_t error_estimate)
{
    return error_estimate & STAMP_ERROR_PTP ? ptp_unix_ns(time) : ntp_unix_ns(time);
}

bool stamp_size_is_possible(size_t bytes)
{
    size_t least = STAMP_BYTES + STAMP_TLV_BYTES, most = least + UINT16_MAX;
    return bytes == STAMP_BYTES || (bytes >= least && bytes <= most);
}

void stamp_build_request(const struct stamp_request *request, unsigned char *data, size_t bytes)
{
    assert(stamp_size_is_possible(bytes));
    memset(data, 0, bytes);
    put(data + SEQ, request->seq, 4);
    put(data + TIME, request->time, 8);
    put(data + ERROR_ESTIMATE, request->error_estimate, 2);
    put(data + SSID, request->ssid, 2);
    if (bytes == STAMP_BYTES)
        return;
    unsigned char *tlv = data + STAMP_BYTES;
    bool has_record = bytes >= STAMP_BYTES_WITH_RECORD;
    tlv[0] = STAMP_TLV_UNRECOGNIZED; /* until a reflector that knows it says otherwise */
    tlv[1] = has_record ? STAMP_TLV_RECORD : STAMP_TLV_EXTRA_PADDING;
    put(tlv + 2, bytes - STAMP_BYTES - STAMP_TLV_BYTES, 2);
    if (has_record)
        put(tlv + STAMP_TLV_BYTES, STAMP_RECORD_MAGIC, 4);
}

/* Only a reflector that knows the TLV clears all of its flags, and only one that has a record
 * writes its id. */
static struct stamp_record read_record(const unsigned char *data, size_t n)
{
    const unsigned char *tlv = data + STAMP_BYTES;
    if (n < STAMP_BYTES_WITH_RECORD || tlv[0] != 0 || tlv[1] != STAMP_TLV_RECORD)
        return (struct stamp_record){.id = 0};
    size_t length = (size_t)get(tlv + 2, 2);
    if (length < STAMP_RECORD_BYTES || length > n - STAMP_BYTES - STAMP_TLV_BYTES)
        return (struct stamp_record){.id = 0};
    const unsigned char *value = tlv + STAMP_TLV_BYTES;
    uint32_t id = (uint32_t)get(value, 4);
    if (id == STAMP_RECORD_MAGIC)
        return (struct stamp_record){.id = id};
    return (struct stamp_record){.id = id,
                                 .newest = (uint32_t)get(value + 4, 4),
                                 .arrived = (uint32_t)get(value + 8, 4),
                                 .duplicated = (uint32_t)get(value + 12, 4)};
}

/* RFC 5905 section 6: 0 is an unknown time; all ones are no clock's. */
static int64_t read_time(const unsigned char *at, uint16_t error_estimate)
{
    uint64_t time = get(at, 8);
    return time == 0 || time == UINT64_MAX ? STAMP_UNKNOWN_NS : stamp_unix_ns(time, error_estimate);
}

bool stamp_parse_reply(const unsigned char *data, size_t n, struct stamp_reply *ret)
{
    if (n < STAMP_BYTES)
        return false;
    uint16_t estimate = (uint16_t)get(data + ERROR_ESTIMATE, 2);
    *ret = (struct stamp_reply){
        .numbers = {.seq = (uint32_t)get(data + SEQ, 4), .record = read_record(data, n)},
        .sent_ns = read_time(data + TIME, estimate),
        .received_ns = read_time(data + RECEIVED, estimate),
        .error_estimate = estimate,
        .request = {.seq = (uint32_t)get(data + SENDER_SEQ, 4),
                    .time = get(data + SENDER_TIME, 8),
                    .error_estimate = (uint16_t)get(data + SENDER_ERROR_ESTIMATE, 2)},
    };
    return true;
}
