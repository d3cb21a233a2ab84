/* SPDX-License-Identifier: MIT */
/*
 * The PROXY header of a connection: from which peers it is accepted, and whether it is required.
 *
 * Ownership: a proxied is its connection's.   Threads: proxied_is_expected any, else its worker's.
 */
#ifndef TLSECHO_PROXIED_H
#define TLSECHO_PROXIED_H

#include <stdbool.h>

#include "tlsecho/base/buf.h"
#include "tlsecho/net/proxy.h"
#include "tlsecho/server/config.h"

struct proxied {
    struct address peer; /* the proxy */
    struct proxy header; /* version 0 = not received yet */
    struct buf received; /* the part received; allocated only while it is incomplete */
};

/* Whether connections from this peer must begin with a PROXY header. */
bool proxied_is_expected(const struct config_listener *listener, const struct address *peer);

/* NULL = no memory. */
struct proxied *proxied_new(const struct address *peer);
void proxied_free(struct proxied *proxied);

/* Reads the header from the socket, as proxy_receive. IO_OK: it is complete. IO_FAILED: it is
 * malformed, or the peer is not in proxy_from. `progressed`: bytes have arrived, and it is not
 * LOCAL. */
struct io proxied_read_header(struct proxied *proxied, const struct config_listener *listener,
                              int fd, struct error *err);

/* Whether a header gives the client's address. proxied may be NULL. */
bool proxied_is_named(const struct proxied *proxied);

#endif
