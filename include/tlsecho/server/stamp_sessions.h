/* SPDX-License-Identifier: MIT */
/*
 * The sequence numbers of STAMP sessions (RFC 8762 §4.2), and the record of what has arrived in
 * each (stamp.h): with them a sender tells loss on the way there from loss on the way back, and
 * lost probes from lost duplicates. A session is what has the same addresses, ports and session
 * identifier (RFC 8972 §3). One that has been silent for STAMP_SESSIONS_IDLE_US gives its place to
 * a new one; while there is no such place, new ones are stateless.
 *
 * Ownership: the server's.   Threads: any.
 */
#ifndef TLSECHO_STAMP_SESSIONS_H
#define TLSECHO_STAMP_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/stamp.h"

enum { STAMP_SESSIONS_MAX = 4096 };
#define STAMP_SESSIONS_IDLE_US (UINT64_C(900) * 1000 * 1000) /* RFC 5357 §3.1: REFWAIT */

struct stamp_sessions;

/* ERROR_SYSTEM. */
int stamp_sessions_new(struct stamp_sessions **ret, struct error *err);
void stamp_sessions_free(struct stamp_sessions *sessions);

struct stamp_session_key {
    const struct address *peer, *own;
    uint16_t own_port, ssid;
};

/* A packet with the sender's number seq has arrived in that session: *ret is the number of the
 * answer, from 0, and what has arrived so far. False: there is no room for the session. */
bool stamp_sessions_next(struct stamp_sessions *sessions, const struct stamp_session_key *key,
                         uint32_t seq, uint64_t now_us, struct stamp_numbers *ret);

/* How many there are. */
size_t stamp_sessions_count(struct stamp_sessions *sessions);

#endif
