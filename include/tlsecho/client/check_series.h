/* SPDX-License-Identifier: MIT */
/*
 * What a check of several connections in a row has seen: which instances of a service answered,
 * which certificates, how many sessions were resumed, and what failed.
 *
 * Ownership: a series owns its lists.   Threads: one.
 */
#ifndef TLSECHO_CHECK_SERIES_H
#define TLSECHO_CHECK_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/report.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/peer.h"

/* By its hello line. */
struct check_instance {
    char identity[REPORT_IDENTITY_BYTES];
    uint64_t connections, resumed;
};

/* A resumed handshake has none (RFC 8446 §2.2). */
struct check_certificate {
    char sha256[PEER_SHA256_BYTES];
    char subject[PEER_NAME_BYTES];
    uint64_t handshakes;
};

struct check_series {
    uint64_t wanted;      /* connections; 0 = no series */
    uint64_t connections; /* that were checked, those that failed included */
    uint64_t resumed;     /* of those that did not fail */
    uint64_t failures[RESULTS];
    struct check_instance *instances;
    size_t instance_count;
    struct check_certificate *certificates;
    size_t certificate_count;
};

void check_series_done(struct check_series *s);

/* Counts a connection that is over, before its session is closed. A hello line that names no
 * instance makes it fail. A failure becomes that of the run, *first, unless there is one. */
void check_series_add(struct check_series *s, const struct session *session,
                      const struct exchange *exchange, struct outcome *one, struct outcome *first);

uint64_t check_series_failed(const struct check_series *s);

/* Of a run without a failure: whether a session was resumed, if that was asked for. */
void check_series_judge(const struct check_series *s, bool resume, struct outcome *ret);

#endif
