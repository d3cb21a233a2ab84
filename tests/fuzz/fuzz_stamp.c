/* SPDX-License-Identifier: MIT */
/* Any test packet: the answer is as long, the sender's fields are in their places, and beyond the
 * packet nothing is touched. */
#include <stdlib.h>
#include <string.h>

#include "tlsecho/net/stamp_reflect.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct stamp_reflection how = {
        .stateful = size % 2, .seq = 0x01020304, .received = {1, 2}, .sent = {3, 4}, .ttl = 64};
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
    for (size_t at = STAMP_BYTES; at < size; at++) /* only flags differ */
        require(packet[at] == data[at] || (packet[at] & 0x3f) == 0);
    free(packet);
    return 0;
}
