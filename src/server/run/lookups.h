/* SPDX-License-Identifier: MIT */
/*
 * The names of everything that is to be listened on, all looked up at the same time while the
 * caller's loop goes on turning.
 *
 * Ownership: a lookups owns the addresses that it found.   Threads: the reactor's.
 */
#ifndef TLSECHO_LOOKUPS_H
#define TLSECHO_LOOKUPS_H

#include "tlsecho/net/lookup.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/listen_set.h"

struct lookups;

/*
 * Starts a look-up for each name, once however many specs have it; addresses, paths and specs whose
 * sockets are inherited by name (`held`, may be NULL) need none. resolver: NULL = getaddrinfo(3).
 * The specs and the reactor must outlive it. ERROR_SYSTEM (memory, descriptors, threads).
 */
struct lookups_plan {
    struct listen_spec *specs;
    size_t count;
    const struct listen_set *held;
    struct reactor *reactor;
    lookup_resolver *resolver;
};
int lookups_start(const struct lookups_plan *plan, struct lookups **ret, struct error *err);

/* Whether nothing is to be waited for any more: all are known, or one has failed. A turn of the
 * reactor ends when a look-up does. */
bool lookups_done(const struct lookups *lookups);

/* Once that is so: the specs get their addresses, which stay the look-ups'. ERROR_DNS, with the
 * place of the first spec whose name has none; ERROR_SYSTEM. */
int lookups_take(const struct lookups *lookups, struct error *err);

/* Waits for nothing: what still runs is abandoned. NULL is ignored. */
void lookups_free(struct lookups *lookups);

#endif
