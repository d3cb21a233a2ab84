/* SPDX-License-Identifier: MIT */
/*
 * A check over UDP: one datagram, and its reply.
 *
 * Ownership: everything stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_CHECK_DATAGRAM_H
#define TLSECHO_CHECK_DATAGRAM_H

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* Waits for so long, 0 = for ever. Of *counts it sets what was sent and came back, and when. The
 * target is left with the address that was asked last. */
void check_datagram(struct session *session, uint64_t limit_us, struct exchange *counts,
                    struct outcome *ret);

#endif
