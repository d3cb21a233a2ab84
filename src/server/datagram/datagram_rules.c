/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/datagram_rules.h"

#include <arpa/inet.h>

#define LOOPBACK_BROADCAST 0x7fffffff /* 127.255.255.255 */

/* Multicast, broadcast, and what is no host's: 0.0.0.0/8 and 240.0.0.0/4 (RFC 6890), and [::], for
 * which the kernel would send to ourselves. */
static bool is_for_many(const struct address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&address->ipv6.sin6_addr) ||
               IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
    uint32_t ipv4 = ntohl(address->ipv4.sin_addr.s_addr), network = ipv4 >> 24;
    return network == 0 || network >= 224 || ipv4 == LOOPBACK_BROADCAST;
}

enum datagram_drop datagram_rules_check(const struct datagram *datagram, const uint16_t ports[],
                                        size_t port_count)
{
    uint16_t port = address_port(&datagram->peer);
    if (datagram->to_many || is_for_many(&datagram->peer))
        return DATAGRAM_DROP_MANY;
    if (datagram->own.length == 0)
        return DATAGRAM_DROP_DESTINATION;
    if (port < DATAGRAM_RULES_LOWEST_PORT)
        return DATAGRAM_DROP_PORT;
    for (size_t i = 0; i < port_count; i++)
        if (ports[i] == port)
            return DATAGRAM_DROP_LISTENER;
    return DATAGRAM_KEPT;
}
