/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/payload.h"

#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, 2014): word number `at`. */
static uint64_t word(uint64_t seed, uint64_t at)
{
    uint64_t z = seed + (at + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void payload_fill(unsigned char *data, size_t n, uint64_t seed, uint64_t offset)
{
    while (n) {
        uint64_t bytes = word(seed, offset / sizeof bytes);
        size_t from = offset % sizeof bytes;
        size_t part = sizeof bytes - from < n ? sizeof bytes - from : n;
        memcpy(data, (const unsigned char *)&bytes + from, part);
        data += part;
        n -= part;
        offset += part;
    }
}
