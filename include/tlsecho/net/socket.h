/* SPDX-License-Identifier: MIT */
/*
 * Sockets: listening, options, the two ends. Every socket made here is non-blocking and
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
    bool share_port; /* bind beside sockets that have socket_share_port */
    bool freebind;   /* bind an address that this host lacks, or has not tested yet: ip(7) */
};

/*
 * Binds and listens. SO_REUSEADDR, so that connections of ours in TIME_WAIT do not hinder a restart
 * (RFC 9293 §3.4.2, socket(7)), and no SO_REUSEPORT, so that a second copy is refused. The wildcard
 * [::] takes IPv4 too. A Unix socket gets mode 0660 and replaces a stale file only if nobody
 * listens on it. *address gets the real port if it was 0. ERROR_SYSTEM.
 */
int socket_listen(struct address *address, const struct socket_listening *how, int *ret,
                  struct error *err);

/* Whether a socket of the same user may be bound to what this one is bound to, or to what overlaps
 * with it: SO_REUSEPORT, socket(7). A no-op on a Unix socket. */
void socket_share_port(int fd, bool on);

struct socket_keepalive {
    unsigned idle_s, interval_s, probes; /* tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT */
};

/* TCP_NODELAY; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_nodelay(int fd, bool on, struct error *err);

/* SO_KEEPALIVE with these times; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_keepalive(int fd, const struct socket_keepalive *keepalive, struct error *err);

/*
 * What the kernel may hold of one connection: it is not writable while so many bytes of it are
 * unsent (TCP_NOTSENT_LOWAT, tcp(7)), and takes no more while so many have not been received
 * (SO_RCVBUF, socket(7): of memory, twice that). receive_bytes 0: what the kernel finds good. A
 * no-op on a Unix socket, whose sender's buffer bounds both. ERROR_SYSTEM.
 */
int socket_set_buffers(int fd, size_t unsent_bytes, size_t receive_bytes, struct error *err);

/* An urgent byte (RFC 6093) is one of the stream, in its place: SO_OOBINLINE. ERROR_SYSTEM. */
int socket_set_urgent_inline(int fd, struct error *err);

/* The two ends of a connection: getpeername(2), getsockname(2); either may be NULL. ERROR_SYSTEM.
 */
int socket_addresses(int fd, struct address *ret_peer, struct address *ret_own, struct error *err);

/* What was sent and not yet acknowledged by the peer's system: SIOCOUTQ, tcp(7), unix(7); 0 if
 * unknown. */
size_t socket_unacknowledged_bytes(int fd);

/* Whether the peer's FIN has come, or nothing can any more, and nothing is left to be read. */
bool socket_has_ended(int fd);

/* close(2) will send RST instead of FIN, and leave nothing behind: SO_LINGER of 0, socket(7). */
void socket_reset_on_close(int fd);

#endif
