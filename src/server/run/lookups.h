/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of the host names of listen addresses, all in parallel, without blocking the caller's
 * loop.
 *
 * Ownership: a lookups owns the addresses found.   Threads: the reactor's.
 */
#ifndef TLSECHO_LOOKUPS_H
#define TLSECHO_LOOKUPS_H

#include "tlsecho/net/lookup.h"
#include "tlsecho/net/reactor.h"
#include "tlsecho/server/listen_set.h"

struct lookups;

/*
 * Starts one look-up for each distinct name. Addresses, paths and specs whose sockets are inherited
 * by name (`existing`, may be NULL) need none. resolver: NULL = getaddrinfo(3).
 * The specs and the reactor must outlive it. ERROR_SYSTEM (memory, descriptors, threads).
 */
struct lookups_plan {
    struct listen_spec *specs;
    size_t count;
    const struct listen_set *existing;
    struct reactor *reactor;
    lookup_resolver *resolver;
};
int lookups_start(const struct lookups_plan *plan, struct lookups **ret, struct error *err);

/* Whether all have finished, or one has failed. The end of a look-up ends a turn of the reactor. */
bool lookups_done(const struct lookups *lookups);

/* After lookups_done: sets the addresses of the specs, which stay the look-ups'. ERROR_DNS, with
 * the place of the first spec whose name has none; ERROR_SYSTEM. */
int lookups_take(const struct lookups *lookups, struct error *err);

/* Does not wait: look-ups that still run are abandoned. NULL is ignored. */
void lookups_free(struct lookups *lookups);

#endif
