/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2: what a proxy says of the client in front of it, before the
 * client's first byte (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, "the text"
 * below). Parsing and building are pure functions.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_PROXY_H
#define TLSECHO_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/base/buf.h"
#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/transport.h"

enum {
    PROXY_BYTES_MAX =
        16 * 1024,        /* a longer header is refused; the text, §2.2, asks for 536 at least */
    PROXY_TOLD_BYTES = 5, /* so many tell a header from anything else */
    PROXY_BUILD_BYTES = 4096,    /* none that proxy_build writes is longer */
    PROXY_NAME_BYTES = 257,      /* a longer name is left out */
    PROXY_UNIQUE_ID_BYTES = 257, /* the text, §2.2.5: at most 128 bytes, each two digits at most */
};

/* A TLS session of the client's with the proxy: the text, §2.2.6. */
struct proxy_tls {
    bool present;
    bool certificate; /* the client has shown one, in this connection or in the session's first */
    bool verified;    /* and the proxy found it good */
    char version[16], cipher[64], group[32];
    char common_name[PROXY_NAME_BYTES];
};

/* Everything that is unknown is "" or false. */
struct proxy {
    int version; /* 1 or 2 */
    bool local;  /* LOCAL, UNKNOWN, UNSPEC or what falls back to it: the addresses are unknown */
    struct address source, destination;
    char alpn[PROXY_NAME_BYTES];
    char authority[PROXY_NAME_BYTES];      /* the SNI, mostly */
    char unique_id[PROXY_UNIQUE_ID_BYTES]; /* in hex unless it is printable text */
    struct proxy_tls tls;
};

/*
 * Reads a header of either version from what has arrived. *ret_bytes: its length; 0 = that is a
 * beginning, more must come, and *ret is untouched.
 *
 * A family or protocol that is not TCP or a Unix stream falls back to UNSPEC (the text, §2.2,
 * demands it for datagrams): the connection's real addresses count. Unassigned TLVs are skipped, of
 * one that comes twice the first counts, a name that is too long or holds a NUL is left out, CRC32C
 * is verified. ERROR_INPUT: it is no header, too long, or inconsistent in itself.
 */
int proxy_parse(const void *data, size_t n, struct proxy *ret, size_t *ret_bytes,
                struct error *err);

/* Whether the first bytes of a stream begin a header. False for fewer than it takes to tell. */
bool proxy_begins(const void *data, size_t n);

/* Writes the header, in version 2 with a CRC32C. Names that are "" are left out; in version 1, and
 * about no client, all of them. Returns its length. */
size_t proxy_build(const struct proxy *proxy, unsigned char ret[PROXY_BUILD_BYTES]);

/*
 * Takes a header from the socket, and not one byte of what comes behind it. received: a buffer of
 * PROXY_BYTES_MAX for what came so far, empty at first. IO_OK: *ret is filled. IO_WANT_READ, IO_CUT
 * (the peer left in the middle), IO_RESET, IO_FAILED as from a transport's read; a header that
 * proxy_parse refuses is IO_FAILED.
 */
struct io proxy_receive(int fd, struct buf *received, struct proxy *ret, struct error *err);

#endif
