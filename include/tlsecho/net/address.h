/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses, and how to resolve an endpoint to them. See ip(7), ipv6(7), unix(7).
 *
 * Ownership: values; only an address_list is on the heap.   Threads: any.
 */
#ifndef TLSECHO_ADDRESS_H
#define TLSECHO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/endpoint.h"

struct address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    };
};

enum { ADDRESS_TEXT_BYTES = 160 };

/* {NULL, 0} is an empty one. */
struct address_list {
    struct address *items;
    size_t count;
};

/* "127.0.0.1:7007", "[::1]:7443", "unix:/path" or "unix" for an unnamed peer. */
void address_text(const struct address *address, char ret[ADDRESS_TEXT_BYTES]);

/* Turns an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) into the IPv4 address in it. */
void address_unmap(struct address *address);

/* 0.0.0.0 or [::], the wildcard. */
bool address_is_wildcard(const struct address *address);

/* 127.0.0.0/8 or ::1, the loopback; not a Unix address. */
bool address_is_loopback(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* Whether a socket on the wildcard address `all` also receives connections to `one`, whatever the
 * ports: [::] does for IPv4 too. */
bool address_covers(const struct address *all, const struct address *one);

/* Whether sockets can listen on only one of both: the addresses are equal, or the ports are and one
 * address covers the other. */
bool address_overlaps(const struct address *a, const struct address *b);

/* Host byte order; 0 for a Unix address. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/*
 * All distinct addresses of an endpoint, in getaddrinfo(3)'s order, at least one; free them with
 * address_list_free. family: AF_UNSPEC, AF_INET or AF_INET6. passive: for bind(2). Blocks until the
 * resolver answers; see lookup.h for a call that does not. ERROR_DNS with the text of
 * gai_strerror(3); ERROR_SYSTEM (memory).
 */
int address_resolve(const struct endpoint *endpoint, int family, bool passive,
                    struct address_list *ret, struct error *err);

/* Frees the addresses and empties the list. */
void address_list_free(struct address_list *list);

#endif
