/* SPDX-License-Identifier: MIT */
/* Any test packet: the answer is as long, the sender's fields are in their places, beyond the
 * packet nothing is touched, and in it only flags and what a TLV for the record is for. The answer,
 * and the packet itself as one, can be parsed. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/net/stamp_reflect.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

/* Whether 16 bytes around that one were the magic number and are now the record. */
static int is_in_record(const unsigned char *packet, const unsigned char *data, size_t size,
                        size_t at)
{
    static const unsigned char record[16] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
    for (size_t from = at - 15; from <= at && from + 16 <= size; from++)
        if (memcmp(data + from, "tlse", 4) == 0 && memcmp(packet + from, record, 16) == 0)
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct stamp_reflection how = {.stateful = size % 2,
                                         .numbers = {.seq = 0x01020304, .record = {1, 2, 3, 4}},
                                         .received = {1, 2},
                                         .sent = {3, 4},
                                         .ttl = 64};
    struct stamp_reply reply;
    if (size < STAMP_BYTES)
        return 0;
    unsigned char *packet = malloc(size); /* of just that size, so that writing on would be found */
    if (!packet)
        abort();
    memcpy(packet, data, size);
    stamp_reflect(&how, packet, size);
    require(memcmp(packet + 24, data, 14) == 0);
    require(stamp_reflect_ssid(packet) == stamp_reflect_ssid(data));
    require(size % 2 ? packet[3] == 4 : memcmp(packet, data, 4) == 0);
    require(packet[40] == 64);
    for (size_t at = STAMP_BYTES; at < size; at++)
        require(packet[at] == data[at] || (packet[at] & 0x3f) == 0 ||
                is_in_record(packet, data, size, at));
    require(stamp_parse_reply(data, size, &reply));
    require(stamp_parse_reply(packet, size, &reply));
    require(reply.numbers.record.id <= 1 ||
            memcmp(packet + STAMP_BYTES + 1, data + STAMP_BYTES + 1, 19) == 0);
    free(packet);
    return 0;
}
