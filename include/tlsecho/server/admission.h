/* SPDX-License-Identifier: MIT */
/*
 * Whether a connection, or a datagram, is accepted: the one place for deny, allow and every limit.
 * A limit applies only while it is reached.
 *
 * Ownership: must outlive every pass that it issued.   Threads: said at each function.
 */
#ifndef TLSECHO_ADMISSION_H
#define TLSECHO_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/server/admission_refusal.h"
#include "tlsecho/server/config.h"
#include "tlsecho/server/datagram_drop.h"

struct admission;
struct admission_source;

/* What one connection counts for. All 0 = nothing. A value that moves with its connection. */
struct admission_pass {
    struct admission *admission;
    struct admission_source *source; /* NULL = not counted */
    bool connection, handshake;
};

/* Without limits until admission_limit. ERROR_SYSTEM. */
int admission_new(struct admission **ret, struct error *err);
void admission_free(struct admission *admission);

/* Sets the limits for new connections; open ones stay and count. Threads: the acceptor's. */
void admission_limit(struct admission *admission, const struct config *config);

/* The number of the next connection or association, from 1. Any thread. */
uint64_t admission_number(struct admission *admission);

/*
 * Checks the limits that do not depend on the source: connections and accept_rate. Adds to the
 * pass, or counts the refusal. Threads: any, one for each pass.
 */
enum admission_refusal admission_accept(struct admission *admission, uint64_t now_us,
                                        struct admission_pass *pass);

/*
 * Checks what depends on the source: deny, allow and per_source, for which an IPv6 /64 is one
 * source, and a Unix socket has none. Likewise. Threads: any, one for each pass.
 */
enum admission_refusal admission_source(struct admission *admission,
                                        const struct config_listener *listener,
                                        const struct address *source, struct admission_pass *pass);

/*
 * Whether a datagram that begins nothing, or is of no association yet, is let in: deny, allow and
 * limits.datagram_rate, which counts a source over all listeners. Counts nothing else. Threads:
 * any.
 */
enum datagram_drop admission_datagram(struct admission *admission,
                                      const struct config_listener *listener,
                                      const struct address *source, uint64_t now_us);

/* A ClientHello has begun: it counts until admission_handshake_over. A pass without admission is
 * not counted. Threads: any, one for each pass. */
void admission_handshake_begins(struct admission_pass *pass);

/* Whether there are more unfinished handshakes than limits.handshakes; false if admission is NULL.
 * Any thread. */
bool admission_handshakes_exceeded(const struct admission *admission);

/* The handshake, or the whole connection, is over: it counts no longer. Threads: as above. */
void admission_handshake_over(struct admission_pass *pass);
void admission_over(struct admission_pass *pass);

/* It was accepted but cannot be served: it counts as refused, and is over. */
void admission_revoke(struct admission_pass *pass, enum admission_refusal refusal);

/* Counts a refusal that was decided elsewhere. Any thread. */
void admission_refuse(struct admission *admission, enum admission_refusal refusal);

/* The number of connections rejected since the start. Any thread. */
uint64_t admission_refused(const struct admission *admission, enum admission_refusal refusal);

#endif
