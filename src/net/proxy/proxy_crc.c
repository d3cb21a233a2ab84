/* SPDX-License-Identifier: MIT */
#include "proxy_internal.h"

const unsigned char proxy_signature[PROXY_SIGNATURE_BYTES] = {
    '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n',
};

uint32_t proxy_crc32c(const unsigned char *data, size_t n, size_t zero)
{
    const uint32_t polynomial = 0x82f63b78; /* reflected */
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= i >= zero && i - zero < PROXY_CRC_BYTES ? 0u : data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return ~crc;
}
