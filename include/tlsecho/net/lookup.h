/* SPDX-License-Identifier: MIT */
/*
 * Looks up names without blocking. getaddrinfo(3) blocks for as long as resolv.conf(5) allows (20 s
 * with two name servers that do not answer) and cannot be interrupted, so it runs on a thread of
 * its own. An address literal or a Unix path needs no thread and is done at once.
 *
 * Ownership: the caller's until lookup_finish or lookup_abandon; after that the thread frees what
 * it still uses. A process may exit while a look-up runs. Threads: one at a time per look-up.
 * Signals are blocked on the look-up's thread.
 */
#ifndef TLSECHO_LOOKUP_H
#define TLSECHO_LOOKUP_H

#include <stdbool.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/endpoint.h"

struct lookup;

/* A resolver; arguments and results as of address_resolve. */
typedef int lookup_resolver(const struct endpoint *endpoint, int family, bool passive,
                            struct address_list *ret, struct error *err);

/* Limits the threads that frequent reloads can occupy while a name server does not answer. */
enum { LOOKUP_ABANDONED_MAX = 32 };

struct lookup_query {
    const struct endpoint *endpoint; /* copied by lookup_start */
    int family;                      /* AF_UNSPEC, AF_INET or AF_INET6 */
    bool passive;                    /* the addresses are for bind(2) */
    lookup_resolver *resolver;       /* called on the look-up's thread; NULL = address_resolve */
};

/* Starts a look-up. ERROR_SYSTEM (memory, descriptors, threads). */
int lookup_start(const struct lookup_query *query, struct lookup **ret, struct error *err);

/* Readable, poll(2), as soon as the look-up is done, and until it ends. Do not close it. */
int lookup_fd(const struct lookup *lookup);

/*
 * Ends a look-up, on failure too, and returns its addresses; free them with address_list_free.
 * Blocks unless lookup_fd is readable. Errors as of address_resolve; code EAI_AGAIN: no name server
 * answered, try again later; EAI_NONAME: the name has no address.
 */
int lookup_finish(struct lookup *lookup, struct address_list *ret, struct error *err);

/* Ends a look-up without waiting for its thread; NULL is ignored. While LOOKUP_ABANDONED_MAX such
 * threads still run, lookup_start fails with ERROR_DNS, EAI_AGAIN. */
void lookup_abandon(struct lookup *lookup);

#endif
