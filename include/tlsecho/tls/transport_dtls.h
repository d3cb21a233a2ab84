/* SPDX-License-Identifier: MIT */
/*
 * A DTLS session as a transport of messages, over a socket that it shares with others: its owner
 * feeds the session what arrived for it (dtls_session_feed) and then calls the operations. Output
 * is sent at once, or put into an open outbox once the handshake is over; what finds no room is
 * lost, as on every link of the way.
 *
 * Ownership: as transport.h; the path is the caller's and must outlive it.   Threads: one at a
 * time.
 */
#ifndef TLSECHO_TRANSPORT_DTLS_H
#define TLSECHO_TRANSPORT_DTLS_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/datagram_outbox.h"
#include "tlsecho/net/transport.h"

struct dtls_session;

/* Where its datagrams go. */
struct transport_dtls_path {
    struct datagram_socket *socket;
    struct datagram_outbox *outbox; /* of the socket, while its owner has opened it */
    struct address peer, own;       /* as in struct datagram */
    uint64_t sent, unsent;          /* datagrams that were not put into the outbox */
    uint64_t too_long;              /* messages that were received and had no room in a buffer */
};

/* Takes the session over, on failure too. ERROR_SYSTEM (memory). */
int transport_dtls_new(struct dtls_session *session, struct transport_dtls_path *path,
                       struct transport **ret, struct error *err);

/*
 * Sends the last flight again if that is due (dtls_session_retransmit). After too many in vain the
 * next operation returns IO_RESET.
 */
void transport_dtls_retransmit(struct transport *t);

#endif
