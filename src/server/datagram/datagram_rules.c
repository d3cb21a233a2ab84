/* SPDX-License-Identifier: MIT */
#include "datagram_rules.h"

#include <arpa/inet.h>

static bool is_for_many(const struct address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&address->ipv6.sin6_addr);
    in_addr_t ipv4 = ntohl(address->ipv4.sin_addr.s_addr);
    return IN_MULTICAST(ipv4) || ipv4 == INADDR_BROADCAST || ipv4 == INADDR_ANY;
}

enum datagram_drop datagram_rules_check(const struct datagram *datagram, const uint16_t ports[],
                                        size_t port_count)
{
    uint16_t port = address_port(&datagram->peer);
    if (datagram->to_many || is_for_many(&datagram->peer))
        return DATAGRAM_DROP_MANY;
    if (port < DATAGRAM_RULES_LOWEST_PORT)
        return DATAGRAM_DROP_PORT;
    for (size_t i = 0; i < port_count; i++)
        if (ports[i] == port)
            return DATAGRAM_DROP_LISTENER;
    return DATAGRAM_KEPT;
}
