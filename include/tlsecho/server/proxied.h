/* SPDX-License-Identifier: MIT */
/*
 * A client that a proxy introduces: from whom a PROXY header is believed, and demanded.
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
    struct proxy header; /* version 0 = not here yet */
    struct buf received; /* of it so far; its memory is there only while it is unfinished */
};

/* Whether the first bytes from there must be a header, so that who it is remains to be seen. */
bool proxied_is_expected(const struct config_listener *listener, const struct address *peer);

/* NULL = no memory. */
struct proxied *proxied_new(const struct address *peer);
void proxied_free(struct proxied *proxied);

/* Takes the header from the socket. IO_OK: it is there. IO_FAILED: it is none, or comes from where
 * none is believed. `moved`: bytes of it have come, and it is not LOCAL. As proxy_receive. */
struct io proxied_read_header(struct proxied *proxied, const struct config_listener *listener,
                              int fd, struct error *err);

/* Whether there is a header that names the client. proxied may be NULL. */
bool proxied_is_named(const struct proxied *proxied);

#endif
