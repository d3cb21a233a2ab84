/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/ascii.h"
#include "tlsecho/server/service.h"

static size_t answer(unsigned char *data, size_t n)
{
    ascii_upper(data, n);
    return n;
}

const struct service service_upper = {.name = "upper", .answer = answer};
