/* SPDX-License-Identifier: MIT */
/*
 * What a listener does for a client: it answers input, or generates output. A service uses no
 * sockets or loops and keeps no state between calls.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_SERVICE_H
#define TLSECHO_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn_info;
struct datagram;

/* What a service may use to answer a datagram. */
struct service_request {
    const struct conn_info *info; /* NULL unless wants_info */
};

enum service_verdict {
    SERVICE_ANSWERS,
    SERVICE_IS_SILENT,
    SERVICE_IS_SHORT, /* the datagram is too short to be answered */
};

struct service {
    const char *name;

    /* Turns n bytes of input into the answer, in place; returns its length. NULL: input is
     * dropped. */
    size_t (*answer)(unsigned char *data, size_t n);
    bool verbatim; /* the answer is the input: it may stay in the kernel */

    /* Writes its output from `offset` on, at most size > 0 bytes; returns how many, 0 at the
     * end. NULL: it generates none. */
    size_t (*produce)(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size);

    /* Turns a datagram into its answer, in place, which is never longer. NULL: it cannot be offered
     * over UDP. */
    enum service_verdict (*reply)(const struct service_request *request, struct datagram *datagram);
    bool wants_info; /* else info is NULL, which costs less */
    bool endless;    /* output has no end: it stops at the client's FIN or a drain */
};

extern const struct service service_echo;    /* every byte, unchanged (RFC 862) */
extern const struct service service_upper;   /* a..z as A..Z, everything else unchanged */
extern const struct service service_discard; /* nothing, whatever arrives (RFC 863) */
extern const struct service service_chargen; /* a pattern without end (RFC 864) */
extern const struct service service_report;  /* what the server knows of the client, as JSON */

/* Whether it can be offered over UDP, or else over a stream. */
bool service_fits(const struct service *service, bool datagrams);

/* NULL: no such service. */
const struct service *service_find(const char *name);

/* The i-th name, for error messages; NULL past the last. */
const char *service_name(size_t i);

#endif
