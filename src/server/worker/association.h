/* SPDX-License-Identifier: MIT */
/*
 * The DTLS associations of a worker: each is a connection without a descriptor of its own, found by
 * both of its addresses. While a client that has one begins another from the same port, there are
 * two with the same addresses, of which one is not established yet (RFC 6347 §4.2.8).
 *
 * Ownership: a worker's; an association belongs to its connection.   Threads: the worker's.
 */
#ifndef TLSECHO_ASSOCIATION_H
#define TLSECHO_ASSOCIATION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "deadline.h"
#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/tls/dtls_record.h"
#include "tlsecho/tls/transport_dtls.h"

struct dtls_session;
struct worker_conn;

/* Without padding: compared by its bytes. */
struct association_key {
    struct in6_addr peer, own; /* an IPv4 address is mapped */
    uint32_t scope;
    uint16_t peer_port, own_port;
};

struct association {
    struct association_key key;
    struct association *next; /* in its bucket */
    struct worker_conn *conn;
    bool established;             /* as its connection */
    struct dtls_session *session; /* its transport's */
    struct transport_dtls_path path;
    uint64_t counted_sent, counted_unsent, counted_too_long; /* of the path, in the metrics */
    struct deadline retransmission;
    unsigned awake;                          /* its place in the table's, from 1; 0 = none */
    unsigned char random[DTLS_RANDOM_BYTES]; /* of its ClientHello */
};

enum { ASSOCIATIONS_AWAKE = 64 };  /* 2 MiB of buffers per worker */
enum { ASSOCIATION_TIMEOUTS = 7 }; /* 1, 2, 4, 8, 16, 32 and 60 s, RFC 6347 §4.2.4.1 */

struct association_table {
    uint64_t factors[2]; /* random: a peer cannot choose which share a bucket */
    struct association **buckets;
    size_t bucket_count, count;
    struct association *awake[ASSOCIATIONS_AWAKE]; /* those that keep their sessions' buffers */
    unsigned awake_next;                           /* whose place is given away next */
    struct deadline_queue retransmissions[ASSOCIATION_TIMEOUTS];
};

/* own: with its port. */
struct association_key association_key(const struct address *peer, const struct address *own);

/* ERROR_SYSTEM. */
int association_table_init(struct association_table *table, struct error *err);

/* When it is empty. */
void association_table_done(struct association_table *table);

void association_insert(struct association_table *table, struct association *a);
void association_remove(struct association_table *table, struct association *a);

/* Those of these addresses: the established one, and the one that is not; NULL = none. */
struct association_pair {
    struct association *established, *unfinished;
} association_find(const struct association_table *table, const struct association_key *key);

/* After each step of an established session: it keeps its buffers, as it may go on at once. Returns
 * the association that gives up its place, and has to rest (dtls_session_rest); NULL = none. */
struct association *association_wake(struct association_table *table, struct association *a);

/* After each step of its session: sets when its last flight is sent again. */
void association_wait(struct association_table *table, struct association *a, uint64_t now_us);

/* One whose last flight is to be sent again by now; NULL = none. */
struct association *association_pop(struct association_table *table, uint64_t now_us);

/* When the first of them is due; UINT64_MAX = never. */
uint64_t association_due_us(const struct association_table *table);

#endif
