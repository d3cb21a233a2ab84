/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/ascii.h"

void ascii_upper(unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(data[i] ^ ((data[i] >= 'a' && data[i] <= 'z') ? 0x20 : 0));
}

void ascii_lower(unsigned char *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(data[i] ^ ((data[i] >= 'A' && data[i] <= 'Z') ? 0x20 : 0));
}
