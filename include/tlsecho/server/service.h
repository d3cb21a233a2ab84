/* SPDX-License-Identifier: MIT */
/*
 * What a listener does for a client: it answers input, generates output, or reads requests and
 * answers each. A service uses no sockets or loops. It keeps no state between calls, except that of
 * a talk.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_SERVICE_H
#define TLSECHO_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/endpoint.h"
#include "tlsecho/server/conn_end.h"

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

/* What a talk does next. */
enum service_next {
    SERVICE_WAITS,      /* for a request, or for the end of the connection */
    SERVICE_READS_HEAD, /* the rest of what has timeouts.handshake from its first byte on */
    SERVICE_READS_BODY, /* the rest of a request */
    SERVICE_WRITES,     /* it has output; input waits */
    SERVICE_ENDS,       /* the connection is to be closed */
};

/* Why a request stays incomplete. */
enum service_cut { SERVICE_CUT_ENDED /* the client's direction has */, SERVICE_CUT_LATE };

struct service_output {
    const struct conn_info *info;
    bool last; /* the connection is to end after this answer: the server stops */
    unsigned char *data;
    size_t size; /* > 0 */
};

/* The state of a connection of such a service, which defines it. */
struct service_talk;

struct service_requests {
    struct service_talk *(*start)(void);     /* NULL: no memory */
    void (*free)(struct service_talk *talk); /* NULL may be freed */
    enum service_next (*next)(const struct service_talk *talk);

    /* Unless it writes or ends: takes bytes off the front of n > 0 of input; returns how many, at
     * least one. */
    size_t (*take)(struct service_talk *talk, const unsigned char *data, size_t n);

    /* While it writes: returns how many bytes it has written; 0 only if it ends. */
    size_t (*write)(struct service_talk *talk, const struct service_output *output);

    /* While it reads: no more of that request comes. It writes next. */
    void (*cut)(struct service_talk *talk, enum service_cut how);

    /* Once it ends: how the connection does; unless that is CONN_END_FINISHED, err says why. */
    enum conn_end (*end)(const struct service_talk *talk, struct error *err);
};

enum { SERVICE_MARK_BYTES_MAX = 16 };

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

    /* NULL: it is no service of requests. */
    const struct service_requests *requests;

    /* Turns a datagram, or a message over DTLS, into its answer, in place. NULL: it cannot be
     * offered over UDP or DTLS. */
    enum service_verdict (*reply)(const struct service_request *request, struct datagram *datagram);
    bool datagrams_only; /* it cannot be offered over a stream or DTLS */
    bool wants_arrival;  /* when a datagram arrived, its TTL and TOS, which costs time */
    /* How an answer that comes back is recognised (datagram_loops.h): by its first bytes, in upper
     * or lower case (0 = all of it), which may also be so far behind the start. */
    size_t mark_bytes, mark_offset;

    const char *const *alpn; /* the only protocols that it offers over TLS, NULL behind the last;
                                NULL = those of the profile */
    bool wants_info;         /* else info is NULL, which costs less */
    bool endless;            /* output has no end: it stops at the client's FIN or a drain */
};

extern const struct service service_echo;    /* every byte, unchanged (RFC 862) */
extern const struct service service_upper;   /* a..z as A..Z, everything else unchanged */
extern const struct service service_discard; /* nothing, whatever arrives (RFC 863) */
extern const struct service service_chargen; /* a pattern without end (RFC 864) */
extern const struct service service_hello;   /* a line about itself, then every byte, unchanged */
extern const struct service service_http;    /* what arrived, for each HTTP request */
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
