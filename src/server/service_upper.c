/* SPDX-License-Identifier: MIT */
#include "tlsecho/ascii.h"
#include "tlsecho/service.h"

static size_t answer(unsigned char *data, size_t n)
{
    ascii_upper(data, n);
    return n;
}

const struct service service_upper = {.name = "upper", .answer = answer};
