/* SPDX-License-Identifier: MIT */
/*
 * One datagram out, and the first that comes back: what a mode needs that asks once. It goes to the
 * next address of the name where ICMP says that nothing listens at the first.
 *
 * Ownership: the buffers and the link are the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_DATAGRAM_ASK_H
#define TLSECHO_DATAGRAM_ASK_H

#include "tlsecho/client/datagram_link.h"

struct datagram_ask {
    unsigned char *request;
    size_t request_bytes;
    unsigned char *answer;         /* room for DATAGRAM_BYTES_MAX */
    size_t answer_bytes;           /* what came; a result */
    uint64_t limit_us;             /* to wait; 0 = for ever */
    uint64_t sent_us, received_us; /* clock_now_us; results, 0 = not yet */
};

/* Asks over an open link, and waits. False: no answer came, as *outcome says; interrupt.h ends the
 * wait. */
bool datagram_ask(struct datagram_link *link, struct datagram_ask *ask, struct outcome *outcome);

#endif
