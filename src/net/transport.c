/* SPDX-License-Identifier: MIT */
#include "tlsecho/transport.h"

#include <errno.h>

enum io_status transport_errno_status(int code)
{
    switch (code) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return IO_RESET;
    }
    return IO_FAILED;
}
