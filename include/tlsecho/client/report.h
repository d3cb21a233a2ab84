/* SPDX-License-Identifier: MIT */
/*
 * What the server sees of a connection (docs/schema/report.json) beside what the client sees, and
 * what the differences say about the path.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_REPORT_H
#define TLSECHO_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/peer.h"
#include "tlsecho/net/syn.h"
#include "tlsecho/net/syn_sent.h"
#include "tlsecho/net/transport.h"
#include "tlsecho/tls/transport_tls.h"

enum { REPORT_BYTES_MAX = 64 << 10, REPORT_NAME_BYTES = 256, REPORT_OPTIONS_BYTES = 1024 };
enum { REPORT_IDENTITY_BYTES = 1024 };

/* One end's view. What is unknown is "". */
struct report_view {
    bool tls;
    char source[ADDRESS_TEXT_BYTES], destination[ADDRESS_TEXT_BYTES];
    char version[16], cipher[64], group[32], signature[40];
    char sni[PEER_NAME_BYTES], alpn[PEER_NAME_BYTES];
    char exporter[TLS_EXPORTER_BYTES];          /* RFC 9266 */
    char certificate[PEER_SHA256_BYTES];        /* of the server */
    char client_certificate[PEER_SHA256_BYTES]; /* of the client */
};

/* Our SYN at both ends. */
struct report_syn {
    bool has_sent, has_arrived; /* else unknown; it never arrives from behind a PROXY header */
    struct syn_sent sent;
    struct syn arrived;                 /* without the list of its options */
    char options[REPORT_OPTIONS_BYTES]; /* that list: "mss nop window-scale" */
    uint64_t age_us;                    /* the SYN was sent no earlier before `sent` was read */
};

/* What the IP header of our request over UDP had at one end; -1 = unknown. */
struct report_marks {
    int ttl, dscp, ecn; /* RFC 2474, RFC 3168 */
};

struct report {
    struct report_view here, there;
    struct report_syn syn;
    bool by_datagram; /* there is a request, and `sent` and `arrived` are of it */
    struct report_marks sent, arrived;
    char server[REPORT_NAME_BYTES], listener[REPORT_NAME_BYTES];
    uint64_t connection; /* its id in the server's log */
    struct {
        int version; /* 0 = there was no header */
        bool
            local; /* it carries no client address; else source and destination above are its own */
        char source[ADDRESS_TEXT_BYTES]; /* the address that sent the header */
    } proxy;
};

/* Fills all of *ret but `here`; what was sent of SYN and request becomes unknown. ERROR_INPUT: not
 * a report. */
int report_parse(const char *text, size_t n, struct report *ret, struct error *err);

/* What is between client and server. */
enum report_path {
    REPORT_END_TO_END, /* one TLS session: its exporter is the same at both ends */
    REPORT_TERMINATED, /* something on the way terminates TLS, on one side or on both */
    REPORT_UNPROVEN,   /* TLS at both ends, but one has no exporter: TLS 1.2 without RFC 7627 */
    REPORT_PLAIN,      /* no TLS: one TCP connection, as far as its addresses tell */
    REPORT_RELAYED,    /* no TLS, and source, destination or SYN differ */
};

enum report_relation { REPORT_SAME, REPORT_DIFFERENT, REPORT_UNKNOWN /* to one end or both */ };

struct report_verdict {
    enum report_path path;
    /* A different source or destination was translated or relayed. */
    enum report_relation source, destination;
    enum report_relation version, cipher, group, signature, sni, alpn, certificate,
        client_certificate;
    /* Of the SYN: its MSS, DSCP, offer of ECN and options, and whether its timestamp is of our
     * clock.
     */
    enum report_relation mss, dscp, ecn, options, clock;
    /* Of the options, the shift of window-scale alone (RFC 7323 §2.2). */
    enum report_relation window_shift;
    /* Of the request over UDP. */
    enum report_relation datagram_dscp, datagram_ecn;
};

void report_judge(const struct report *report, struct report_verdict *ret);

/* The options that were sent in the SYN and did not arrive: "timestamps window-scale". Returns how
 * many. */
size_t report_lost_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES]);

/* The options that arrived and were not sent, likewise. */
size_t report_added_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES]);

/* Those that arrived and of which the kernel does not tell whether it sent them: "kind-77". */
size_t report_foreign_options(const struct report_syn *syn, char ret[REPORT_OPTIONS_BYTES]);

/* "end-to-end", "terminated", "unproven", "plain", "relayed"; "same", "different", "unknown". */
const char *report_path_word(enum report_path path);
const char *report_relation_word(enum report_relation relation);

/* The path in a sentence. */
const char *report_path_text(enum report_path path);

/* Whether nothing on the way can read or change the data, as --expect-direct demands. */
bool report_is_direct(enum report_path path);

/* Which of several servers sent this hello line, docs/schema/hello.json: "web-1", or
 * "web-1 (POD_NAME=a, NODE_NAME=b)", escaped (text.h). ERROR_INPUT: the line does not say. */
int report_parse_identity(const char *line, size_t n, char ret[REPORT_IDENTITY_BYTES],
                          struct error *err);

#endif
