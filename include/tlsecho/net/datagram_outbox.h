/* SPDX-License-Identifier: MIT */
/*
 * Datagrams that are sent together, with one sendmmsg(2), once a batch of others has been received
 * and answered. Only short ones are kept: a longer one may not fit its path, which its sender has
 * to know at once.
 *
 * Ownership: plain data; it copies what it keeps. The socket is the caller's.   Threads: one at a
 * time.
 */
#ifndef TLSECHO_DATAGRAM_OUTBOX_H
#define TLSECHO_DATAGRAM_OUTBOX_H

#include "tlsecho/net/datagram.h"

/* What every path carries: RFC 1122 §3.3.3, less the headers of IPv4 and UDP. */
enum { DATAGRAM_OUTBOX_BYTES = 548 };

struct datagram_outbox {
    struct datagram_socket *socket; /* NULL = closed */
    uint64_t sent, unsent;          /* datagrams, since it was opened */
    size_t count;                   /* that wait */
    struct datagram items[DATAGRAM_BATCH];
    unsigned char bytes[DATAGRAM_BATCH][DATAGRAM_OUTBOX_BYTES];
};

/* From now on datagrams for this socket can be put. */
void datagram_outbox_open(struct datagram_outbox *outbox, struct datagram_socket *socket);

/*
 * Keeps a copy; a full outbox sends first. False: the caller has to send it now, as the outbox is
 * closed, or of another socket, or the datagram is too long; then none from before waits.
 */
bool datagram_outbox_put(struct datagram_outbox *outbox, const struct datagram_socket *socket,
                         const struct datagram *item);

/* Sends what waits, and closes. What the socket has no room for, or refuses, is unsent. */
void datagram_outbox_close(struct datagram_outbox *outbox);

#endif
