/* SPDX-License-Identifier: MIT */
/*
 * A check over UDP or DTLS: one datagram, and its reply.
 *
 * Ownership: everything stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_CHECK_DATAGRAM_H
#define TLSECHO_CHECK_DATAGRAM_H

#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/result.h"

/*
 * Opens a link of that session, and asks; with --expect none, over DTLS, the handshake is enough.
 * Waits for the reply so long, 0 = for ever. Of *counts it sets what was sent and came back, and
 * when. The target is left with the address that was asked last; the link stays open, so that what
 * it knows of a DTLS peer is kept.
 */
void check_datagram(struct datagram_link *link, uint64_t limit_us, struct exchange *counts,
                    struct outcome *ret);

#endif
