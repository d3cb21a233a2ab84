/* SPDX-License-Identifier: MIT */
/*
 * What a listener does with the bytes that arrive. A service knows neither sockets nor loops.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_SERVICE_H
#define TLSECHO_SERVICE_H

#include <stddef.h>

struct service {
    const char *name;

    /* Turns the n bytes that arrived into the bytes that are owed for them, in place; returns how
     * many. */
    size_t (*answer)(unsigned char *data, size_t n);
};

extern const struct service service_echo;  /* every byte, unchanged (RFC 862) */
extern const struct service service_upper; /* a..z as A..Z, everything else unchanged */

/* NULL if there is none of that name. */
const struct service *service_find(const char *name);

/* The i-th name, for error messages; NULL past the last. */
const char *service_name(size_t i);

#endif
