/* SPDX-License-Identifier: MIT */
/*
 * The log lines of datagrams (event=datagrams): one for each source, a host, and listener every
 * DATAGRAM_LOG_EVERY_US, never one per datagram. The number of sources is bounded: those beyond it
 * share a line.
 *
 * Ownership: values, no heap; the listeners must stay until datagram_log_flush.   Threads: one.
 */
#ifndef TLSECHO_DATAGRAM_LOG_H
#define TLSECHO_DATAGRAM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/net/address.h"
#include "tlsecho/server/config_snapshot.h"
#include "tlsecho/server/datagram_drop.h"

enum {
    DATAGRAM_LOG_SOURCES = 128,
    DATAGRAM_LOG_BUCKETS = 2 * DATAGRAM_LOG_SOURCES,
    DATAGRAM_LOG_EVERY_US = 10 * 1000 * 1000,
};

/* Of one source, since its last line. */
struct datagram_traffic {
    struct address source; /* without port */
    const struct listener *listener;
    bool shared; /* of several sources, and listeners */
    uint64_t start_us;
    uint64_t received, received_bytes, sent, sent_bytes, dropped;
    enum datagram_drop drop; /* the last reason */
};

struct datagram_log {
    uint64_t factors[2]; /* random: a peer cannot choose which sources share a bucket */
    struct datagram_traffic sources[DATAGRAM_LOG_SOURCES];
    struct datagram_traffic others; /* received 0 = none */
    unsigned count;
    uint8_t buckets[DATAGRAM_LOG_BUCKETS]; /* index + 1 of a source; 0 = free */
    uint64_t due_us;                       /* UINT64_MAX = nothing to log */
};

/* ERROR_SYSTEM. */
int datagram_log_init(struct datagram_log *ret, struct error *err);

/* Where to count a datagram from there. Valid until the next flush. */
struct datagram_traffic *datagram_log_find(struct datagram_log *log, const struct address *source,
                                           const struct listener *listener, uint64_t now_us);

/* Writes all lines. */
void datagram_log_flush(struct datagram_log *log, uint64_t now_us);

#endif
