/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/datagram_drop.h"

static const char *const names[DATAGRAM_DROPS] = {
    [DATAGRAM_KEPT] = "none",
    [DATAGRAM_DROP_DENY] = "deny",
    [DATAGRAM_DROP_ALLOW] = "allow",
    [DATAGRAM_DROP_RATE] = "datagram_rate",
    [DATAGRAM_DROP_PORT] = "low_port",
    [DATAGRAM_DROP_LISTENER] = "listener_port",
    [DATAGRAM_DROP_MANY] = "multicast",
    [DATAGRAM_DROP_DESTINATION] = "no_destination",
    [DATAGRAM_DROP_LOOP] = "loop",
    [DATAGRAM_DROP_SHORT] = "too_short",
    [DATAGRAM_DROP_LONG] = "too_long",
    [DATAGRAM_DROP_INVALID] = "invalid",
    [DATAGRAM_DROP_UNKNOWN] = "no_association",
    [DATAGRAM_DROP_LIMIT] = "limit",
    [DATAGRAM_DROP_UNSENT] = "unsent",
    [DATAGRAM_DROP_KERNEL] = "receive_buffer",
};

const char *datagram_drop_name(enum datagram_drop drop)
{
    return names[drop];
}
