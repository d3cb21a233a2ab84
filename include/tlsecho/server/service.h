/* SPDX-License-Identifier: MIT */
/*
 * What a listener does for a client: it answers what arrives, or has bytes of its own to send. A
 * service knows neither sockets nor loops and keeps nothing between two calls.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_SERVICE_H
#define TLSECHO_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn_info;

struct service {
    const char *name;

    /* Turns the n bytes that arrived into the bytes that are owed for them, in place; returns how
     * many. NULL: what arrives is dropped. */
    size_t (*answer)(unsigned char *data, size_t n);
    bool verbatim; /* the answer is what arrived: nobody needs to see it */

    /* The bytes that come after the first `offset` of its own, at most size > 0 of them; returns
     * how many, 0 at their end. NULL: it has none. */
    size_t (*produce)(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size);
    bool wants_info; /* else produce is given none, which costs less */
    bool endless;    /* produce has no end: the client's ends it, and a drain does */
};

extern const struct service service_echo;    /* every byte, unchanged (RFC 862) */
extern const struct service service_upper;   /* a..z as A..Z, everything else unchanged */
extern const struct service service_discard; /* nothing, whatever arrives (RFC 863) */
extern const struct service service_chargen; /* a pattern without end (RFC 864) */
extern const struct service service_report;  /* what we know of the client, as JSON */

/* NULL if there is none of that name. */
const struct service *service_find(const char *name);

/* The i-th name, for error messages; NULL past the last. */
const char *service_name(size_t i);

#endif
