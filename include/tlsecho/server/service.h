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

#include "tlsecho/net/endpoint.h"

struct conn_info;
struct datagram;
struct stamp_sessions;

/* What a service may use to answer a datagram. */
struct service_request {
    const struct conn_info *info; /* NULL unless wants_info */
    size_t room;                  /* for the answer; 0 = it must not be longer than the request */
    struct stamp_sessions *stamp;
    uint16_t own_port; /* of the socket */
    uint64_t now_us;   /* clock_now_us */
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
     * end. With `answer` it comes first, and input waits meanwhile; without, input is dropped.
     * NULL: it generates none. */
    size_t (*produce)(const struct conn_info *info, uint64_t offset, unsigned char *data,
                      size_t size);

    /* Turns a datagram, or a message over DTLS, into its answer, in place. NULL: it cannot be
     * offered over UDP or DTLS. */
    enum service_verdict (*reply)(const struct service_request *request, struct datagram *datagram);
    bool datagrams_only; /* it cannot be offered over a stream or DTLS */
    bool wants_arrival;  /* when a datagram arrived, its TTL and TOS, which costs time */
    /* How an answer that comes back is recognised (datagram_loops.h): by its first bytes (0 = all
     * of it), which may also be so far behind the start. */
    size_t mark_bytes, mark_offset;

    bool wants_info; /* else info is NULL, which costs less */
    bool endless;    /* output has no end: it stops at the client's FIN or a drain */
};

extern const struct service service_echo;    /* every byte, unchanged (RFC 862) */
extern const struct service service_upper;   /* a..z as A..Z, everything else unchanged */
extern const struct service service_discard; /* nothing, whatever arrives (RFC 863) */
extern const struct service service_chargen; /* a pattern without end (RFC 864) */
extern const struct service service_hello;   /* a line about itself, then every byte, unchanged */
extern const struct service service_stamp;   /* STAMP test packets, reflected (RFC 8762) */
extern const struct service service_report;  /* what the server knows of the client, as JSON */

/* The least that a datagram must have for a report as its answer. */
enum { SERVICE_REPORT_REQUEST_BYTES = 1200 };

/* Whether it can be offered by such a listener. */
bool service_fits(const struct service *service, enum endpoint_scheme scheme);

/* NULL: no such service. */
const struct service *service_find(const char *name);

/* The i-th name, for error messages; NULL past the last. */
const char *service_name(size_t i);

#endif
