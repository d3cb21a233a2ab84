/* SPDX-License-Identifier: MIT */
/*
 * Sockets: listening, options, addresses. Every socket made here is non-blocking and
 * close-on-exec. See socket(7), tcp(7), ip(7), ipv6(7), unix(7).
 *
 * Ownership: a returned descriptor is the caller's to close.   Threads: any.
 */
#ifndef TLSECHO_SOCKET_H
#define TLSECHO_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

struct socket_listening {
    int backlog;
    bool share_port; /* bind to the port of a socket that has socket_share_port */
    bool datagrams;  /* UDP: it is bound only, and has no backlog */
    bool freebind;   /* bind an address that this host does not have (yet), ip(7) */
};

/*
 * Binds and listens. Sets SO_REUSEADDR, so that connections in TIME_WAIT do not prevent a restart
 * (RFC 9293 §3.4.2, socket(7)), except for UDP, where it would let another server take the port;
 * and not SO_REUSEPORT, so that a second server fails. The wildcard
 * [::] accepts IPv4 too. A Unix socket gets mode 0660, and replaces an existing socket file only if
 * no process listens on it. *address gets the actual port if it was 0. ERROR_SYSTEM.
 */
int socket_listen(struct address *address, const struct socket_listening *how, int *ret,
                  struct error *err);

/* Allows another socket of the same user to bind to the same or an overlapping address:
 * SO_REUSEPORT, socket(7). A no-op on a Unix socket. */
void socket_share_port(int fd, bool on);

struct socket_keepalive {
    unsigned idle_s, interval_s, probes; /* tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT */
};

/* TCP_NODELAY; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_nodelay(int fd, bool on, struct error *err);

/* SO_KEEPALIVE with these times; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_keepalive(int fd, const struct socket_keepalive *keepalive, struct error *err);

/*
 * Limits what the kernel buffers for a connection: it is not writable while unsent_bytes are unsent
 * (TCP_NOTSENT_LOWAT, tcp(7)), and its receive buffer is receive_bytes (SO_RCVBUF, socket(7); twice
 * that in memory), 0 = chosen by the kernel. A no-op on a Unix socket, where the sender's buffer
 * limits both. ERROR_SYSTEM.
 */
int socket_set_buffers(int fd, size_t unsent_bytes, size_t receive_bytes, struct error *err);

/* The upper six bits of IPv4's TOS or IPv6's traffic class, of every packet sent: ip(7), ipv6(7). A
 * no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_dscp(int fd, int family, unsigned dscp, struct error *err);

/* The TTL or hop limit, and the DSCP, of the packets that it sends; -1 = unknown. */
void socket_get_marks(int fd, int *ret_ttl, int *ret_dscp);

/* Receives urgent data (RFC 6093) in the stream, in its place: SO_OOBINLINE. ERROR_SYSTEM. */
int socket_set_urgent_inline(int fd, struct error *err);

/* Whether the kernel keeps the SYN of each connection that this socket accepts (TCP_SAVE_SYN,
 * tcp(7)); of a connection already in the backlog it has none. A no-op where there is no such
 * option. */
void socket_save_syn(int fd, bool on);

/* The IP and TCP header of the SYN of an accepted connection, which the kernel then forgets:
 * TCP_SAVED_SYN. Returns their length, 0 if it has none or they are longer than size. */
size_t socket_saved_syn(int fd, void *ret, size_t size);

/* Whether accept(2) failed with that errno because of one connection: the next one may succeed. Not
 * with EPERM: a security module that denies the call leaves the connection in the backlog. */
bool socket_refusal_passes(int code);

/* The addresses of a connection: getpeername(2), getsockname(2); either may be NULL. ERROR_SYSTEM.
 */
int socket_addresses(int fd, struct address *ret_peer, struct address *ret_own, struct error *err);

/* Bytes sent but not yet acknowledged by the peer: SIOCOUTQ, tcp(7), unix(7); 0 if unknown. */
size_t socket_unacknowledged_bytes(int fd);

/* Whether everything has been read and the peer's FIN or an RST has arrived. */
bool socket_has_ended(int fd);

/* Makes close(2) send RST instead of FIN, and free the connection at once: SO_LINGER of 0,
 * socket(7). */
void socket_reset_on_close(int fd);

#endif
