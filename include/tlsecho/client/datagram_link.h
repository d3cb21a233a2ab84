/* SPDX-License-Identifier: MIT */
/*
 * Where datagrams go: a session without a connection. Its name is looked up like any other; then
 * the first address that a socket can be connected to is tried, and the next one where ICMP says
 * that nothing listens there: as dial.h does it, as far as that is possible without a handshake.
 * With DTLS there is one, and after it the address stays.
 *
 * Ownership: a link owns its socket; the session is the caller's and outlives it. What the session
 * knows of a DTLS peer is gone once the link is closed.   Threads: one at a time.
 */
#ifndef TLSECHO_DATAGRAM_LINK_H
#define TLSECHO_DATAGRAM_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/datagram.h"

struct datagram_link {
    struct session *session;         /* without a transport; its `dtls` is the link's */
    struct datagram_options options; /* besides: errors are always taken */
    struct datagram_socket *socket;  /* NULL while closed */
    size_t index;                    /* of the address */
};

/* session->peer and session->own are set; a DTLS handshake is complete. On failure session->phase
 * says where, as session_open, and what is known of the peer is kept. */
int datagram_link_open(struct datagram_link *link, struct error *err);

/* Ends a DTLS session with close_notify; what is known of it is kept. */
void datagram_link_end(struct datagram_link *link);
void datagram_link_close(struct datagram_link *link);

/* The target's addresses are from now on the present one alone. */
void datagram_link_keep_address(struct datagram_link *link);

/* As nothing has ever come from the present address: tries those that follow it. False: there is
 * none, and nothing has changed. */
bool datagram_link_try_next(struct datagram_link *link);

enum datagram_link_event {
    DATAGRAM_LINK_DONE,  /* a datagram was sent, or received */
    DATAGRAM_LINK_WAIT,  /* call again once the socket is writable, or readable */
    DATAGRAM_LINK_ERROR, /* *ret_error, of this datagram or an earlier one; call again at once */
    DATAGRAM_LINK_ENDED, /* DTLS: datagram_link_judge_end says how; nothing comes any more */
};

/* Sends a datagram to the connected address. */
enum datagram_link_event datagram_link_send(struct datagram_link *link, unsigned char *data,
                                            size_t n, struct datagram_error *ret_error);

/* Receives into item, which has a buffer. */
enum datagram_link_event datagram_link_receive(struct datagram_link *link, struct datagram *item,
                                               struct datagram_error *ret_error);

/* Whether this host cannot receive at all for now, rather than that a datagram was lost: the socket
 * stays readable, and to wait for it would not end. */
bool datagram_link_cannot_receive(const struct datagram_error *error);

/* When the datagram was received, clock_now_us: as the kernel saw it, if it says so. */
uint64_t datagram_link_received_us(const struct datagram *received);

/* A datagram, or message, of that many bytes. */
struct datagram_attempt {
    const struct datagram_socket *socket;
    const struct address *peer;
    size_t bytes;
};

/* It was answered by this error, or could not be sent because of it. */
void datagram_link_judge(const struct datagram_error *error, const struct datagram_attempt *attempt,
                         const struct options *options, struct outcome *ret);

/* How a DTLS session has ended, before all that was sent had come back. */
void datagram_link_judge_end(const struct datagram_socket *socket, const struct options *options,
                             struct outcome *ret);

#endif
