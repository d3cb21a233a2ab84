/* SPDX-License-Identifier: MIT */
/*
 * Whether a connection may come in: the one place for deny, allow and every limit. Nothing is
 * refused for being early: a limit that is no longer reached lets the next one in.
 *
 * Ownership: must outlive every pass that it gave.   Threads: said at each function.
 */
#ifndef TLSECHO_ADMISSION_H
#define TLSECHO_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/server/admission_refusal.h"
#include "tlsecho/server/config.h"

struct admission;
struct admission_source;

/* What one connection holds of the limits. All 0 = nothing. A value: it moves with its connection.
 */
struct admission_pass {
    struct admission *admission;
    struct admission_source *source; /* NULL = not counted */
    bool connection, handshake;
};

/* Without limits until admission_limit. ERROR_SYSTEM. */
int admission_new(struct admission **ret, struct error *err);
void admission_free(struct admission *admission);

/* The limits of that configuration hold for whoever comes from now on; who is here stays, and
 * counts. Threads: the acceptor's. */
void admission_limit(struct admission *admission, const struct config *config);

/*
 * What does not depend on who it is: connections and accept_rate. What it holds is added to the
 * pass; a refusal is counted. Threads: the acceptor's.
 */
enum admission_refusal admission_accept(struct admission *admission, uint64_t now_us,
                                        struct admission_pass *pass);

/*
 * What depends on who it is: deny, allow and per_source, for which the addresses of an IPv6 /64 are
 * one source, and Unix sockets none. Likewise. Threads: any, one for each pass.
 */
enum admission_refusal admission_source(struct admission *admission,
                                        const struct config_listener *listener,
                                        const struct address *source, struct admission_pass *pass);

/* A ClientHello has begun, and counts until admission_handshake_over. A pass without an admission
 * counts nowhere. Threads: any, one for each pass. */
void admission_handshake_begins(struct admission_pass *pass);

/* Whether more handshakes are unfinished than limits.handshakes allows; never where admission is
 * NULL. Any thread. */
bool admission_handshakes_exceeded(const struct admission *admission);

/* The handshake is over, or the whole connection: gives back what the pass holds of it, once.
 * Threads: as above. */
void admission_handshake_over(struct admission_pass *pass);
void admission_over(struct admission_pass *pass);

/* It was let in, but something was lacking to serve it: counted as refused, and over. */
void admission_revoke(struct admission_pass *pass, enum admission_refusal refusal);

/* Counts a refusal that somebody else had to decide. Any thread. */
void admission_refuse(struct admission *admission, enum admission_refusal refusal);

/* So many have been refused for that since the start. Any thread. */
uint64_t admission_refused(const struct admission *admission, enum admission_refusal refusal);

#endif
