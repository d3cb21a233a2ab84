/* SPDX-License-Identifier: MIT */
/*
 * Looking a name up without waiting for it: getaddrinfo(3) blocks for as long as resolv.conf(5)
 * allows (two dead name servers: 20 s) and cannot be interrupted, so it runs on a thread of its
 * own, which nobody joins. An address literal and a Unix path need no thread and are done at once.
 *
 * Ownership: a look-up is the caller's until lookup_finish or lookup_abandon. What the thread still
 * uses then is freed by the thread. A process may exit while a look-up runs.
 * Threads: one at a time per look-up; signals are blocked on the look-up's own thread.
 */
#ifndef TLSECHO_LOOKUP_H
#define TLSECHO_LOOKUP_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/endpoint.h"

struct lookup;

/* What resolves a name: the arguments and the results of address_resolve. */
typedef int lookup_resolver(const struct endpoint *endpoint, int family, bool passive,
                            struct address_list *ret, struct error *err);

/* So that reloads in quick succession beside a dead name server take no more threads. */
enum { LOOKUP_ABANDONED_MAX = 32 };

struct lookup_query {
    const struct endpoint *endpoint; /* copied by lookup_start */
    int family;                      /* AF_UNSPEC, AF_INET or AF_INET6 */
    bool passive;                    /* the addresses are for bind(2) */
    lookup_resolver *resolver;       /* called on the look-up's thread; NULL = address_resolve */
};

/* Starts a look-up. ERROR_SYSTEM (memory, descriptors, threads). */
int lookup_start(const struct lookup_query *query, struct lookup **ret, struct error *err);

/* Readable, poll(2), once the look-up is done, and then for as long as it exists. The look-up's to
 * close. */
int lookup_fd(const struct lookup *lookup);

/*
 * Ends a look-up, on failure too: its addresses, for address_list_free. Waits for them unless
 * lookup_fd is readable. Errors: as address_resolve; code EAI_AGAIN: no name server could say,
 * which is the resolver's fault and may pass; EAI_NONAME: the name has no address.
 */
int lookup_finish(struct lookup *lookup, struct address_list *ret, struct error *err);

/* Ends a look-up without waiting for its thread. NULL is ignored. While LOOKUP_ABANDONED_MAX
 * threads still wait for their resolver, none is started: ERROR_DNS, EAI_AGAIN. */
void lookup_abandon(struct lookup *lookup);

#endif
