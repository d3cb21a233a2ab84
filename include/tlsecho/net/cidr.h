/* SPDX-License-Identifier: MIT */
/*
 * Networks as users write them (RFC 4632 §3.1, RFC 4291 §2.3), and the word `unix` for peers on a
 * Unix socket. Pure functions.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_CIDR_H
#define TLSECHO_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

enum { CIDR_TEXT_BYTES = INET6_ADDRSTRLEN + 4 }; /* the longest address and "/128" */

struct cidr {
    int family;                /* AF_INET, AF_INET6 or AF_UNIX */
    unsigned bits;             /* prefix length; 0 for AF_UNIX */
    unsigned char network[16]; /* in network byte order; 0 beyond the prefix */
};

/*
 * "10.0.0.0/8", "2001:db8::/32", a single address (/32 or /128), or "unix". IPv4-mapped networks
 * become IPv4. ERROR_INPUT with an example of valid input; an address with bits beyond the prefix
 * is refused, and the error suggests the network and the single address.
 */
int cidr_parse(const char *text, struct cidr *ret, struct error *err);

/* The canonical text, always with a prefix; cidr_parse turns it back into the same value. */
void cidr_text(const struct cidr *cidr, char ret[CIDR_TEXT_BYTES]);

bool cidr_equal(const struct cidr *a, const struct cidr *b);

/* Whether one of the networks contains the address. An IPv4-mapped address counts as IPv4. */
bool cidr_match(const struct cidr *cidrs, size_t count, const struct address *address);

#endif
