/* SPDX-License-Identifier: MIT */
/*
 * Sockets: addresses, listening, connecting, options. Every socket made here is non-blocking and
 * close-on-exec. See socket(7), tcp(7), ip(7), ipv6(7), unix(7).
 *
 * Ownership: a returned descriptor is the caller's to close.   Threads: any.
 */
#ifndef TLSECHO_SOCKET_H
#define TLSECHO_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tlsecho/endpoint.h"
#include "tlsecho/error.h"

struct address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    };
};

enum { ADDRESS_TEXT_BYTES = 160, SOCKET_ADDRESSES_MAX = 16 };

/* "127.0.0.1:7007", "[::1]:7443", "unix:/path" or "unix" for an unnamed peer. */
void address_text(const struct address *address, char ret[ADDRESS_TEXT_BYTES]);

/* An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) becomes the IPv4 address that it stands for. */
void address_unmap(struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* Host byte order; 0 for a local address. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/*
 * All distinct addresses of an endpoint, in getaddrinfo(3)'s order: at most SOCKET_ADDRESSES_MAX.
 * family: AF_UNSPEC, AF_INET or AF_INET6. passive: for bind(2). Blocks while the resolver works.
 * ERROR_DNS with the resolver's words.
 */
int address_resolve(const struct endpoint *endpoint, int family, bool passive, struct address *ret,
                    size_t *ret_count, struct error *err);

/*
 * Binds and listens. SO_REUSEADDR, so that connections of ours in TIME_WAIT do not hinder a restart
 * (RFC 9293 §3.4.2, socket(7)), and no SO_REUSEPORT, so that a second copy is refused. The wildcard
 * [::] takes IPv4 too. A Unix socket gets mode 0660 and replaces a stale file only if nobody
 * listens on it. *address gets the real port if it was 0. ERROR_SYSTEM.
 */
int socket_listen(struct address *address, int backlog, int *ret, struct error *err);

struct socket_keepalive {
    unsigned idle_s, interval_s, probes; /* tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT */
};

/* TCP_NODELAY on; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_nodelay(int fd, struct error *err);

/* SO_KEEPALIVE with these times; a no-op on a Unix socket. ERROR_SYSTEM. */
int socket_set_keepalive(int fd, const struct socket_keepalive *keepalive, struct error *err);

/* The two ends of a connection: getpeername(2), getsockname(2); either may be NULL. ERROR_SYSTEM.
 */
int socket_addresses(int fd, struct address *ret_peer, struct address *ret_own, struct error *err);

#endif
