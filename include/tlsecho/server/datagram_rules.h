/* SPDX-License-Identifier: MIT */
/*
 * Which datagrams are never answered, so that the server is no amplifier and part of no loop
 * (CVE-2024-2169, docs/adr). A source address may be forged: an answer goes to a third party then.
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_DATAGRAM_RULES_H
#define TLSECHO_DATAGRAM_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/net/datagram.h"
#include "tlsecho/server/datagram_drop.h"

enum { DATAGRAM_RULES_LOWEST_PORT = 1024 }; /* below it are services that answer, as 7, 19 and 53 */

/* DATAGRAM_DROP_PORT, _LISTENER, _MANY, or DATAGRAM_KEPT. ports: of all udp:// listeners. */
enum datagram_drop datagram_rules_check(const struct datagram *datagram, const uint16_t ports[],
                                        size_t port_count);

#endif
