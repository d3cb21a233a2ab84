/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2: a header before the first byte of the client, in which a
 * proxy describes that client (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, "the
 * specification" below). Parsing and building are pure functions.
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
        16 * 1024, /* a longer header is refused; the specification, §2.2, requires at least 536 */
    PROXY_PREFIX_BYTES = 5,   /* enough to distinguish a header from other data */
    PROXY_BUILD_BYTES = 4096, /* the longest header that proxy_build writes */
    PROXY_NAME_BYTES = 257,   /* a longer name is omitted */
    PROXY_UNIQUE_ID_BYTES =
        257, /* specification, §2.2.5: at most 128 bytes, each at most two digits */
};

/* The TLS session between client and proxy: specification, §2.2.6. */
struct proxy_tls {
    bool present;
    bool certificate; /* the client sent one, in this connection or when the session began */
    bool verified;    /* the proxy verified it */
    char version[16], cipher[64], group[32];
    char common_name[PROXY_NAME_BYTES];
};

/* What is unknown is "" or false. */
struct proxy {
    int version; /* 1 or 2 */
    bool local;  /* LOCAL, UNKNOWN or UNSPEC: the addresses are unknown */
    struct address source, destination;
    char alpn[PROXY_NAME_BYTES];
    char authority[PROXY_NAME_BYTES];      /* usually the SNI */
    char unique_id[PROXY_UNIQUE_ID_BYTES]; /* in hex unless it is printable text */
    struct proxy_tls tls;
};

/*
 * Parses a header of either version. *ret_bytes: its length; 0 = the header is incomplete, and *ret
 * is unchanged.
 *
 * A family or protocol other than TCP or a Unix stream becomes UNSPEC (specification, §2.2,
 * requires it for datagrams): use the connection's own addresses. Unassigned TLVs are skipped, of
 * duplicates the first is used, a name that is too long or contains a NUL is omitted, CRC32C is
 * verified. ERROR_INPUT: not a header, too long, or inconsistent.
 */
int proxy_parse(const void *data, size_t n, struct proxy *ret, size_t *ret_bytes,
                struct error *err);

/* Whether a stream begins with a header. False with too few bytes to decide. */
bool proxy_begins(const void *data, size_t n);

/* Writes the header, in version 2 with a CRC32C. Empty names are omitted; version 1 and a local
 * header have none. Returns its length. */
size_t proxy_build(const struct proxy *proxy, unsigned char ret[PROXY_BUILD_BYTES]);

/*
 * Receives a header from the socket, and no byte after it. received: a buffer of PROXY_BYTES_MAX
 * for what has arrived so far, empty at first. IO_OK: *ret is filled. IO_WANT_READ, IO_CUT (FIN
 * within the header), IO_RESET and IO_FAILED as from transport_read; IO_FAILED also if proxy_parse
 * refuses the header.
 */
struct io proxy_receive(int fd, struct buf *received, struct proxy *ret, struct error *err);

#endif
