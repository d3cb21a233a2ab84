/* SPDX-License-Identifier: MIT */
/*
 * The one walk through the table of keys: top-down, in the order of the table, into every section
 * and every entry of a list. With a configuration it visits the values, without one the table
 * itself, where each list has one entry.
 *
 *     struct config_walk walk;
 *     config_walk_start(&walk, config);
 *     while (config_walk_next(&walk))
 *         if (walk.step == CONFIG_WALK_KEY)
 *             use(walk.key, walk.field);
 *
 * Ownership: no heap.   Threads: any, each its own.
 */
#ifndef TLSECHO_CONFIG_WALK_H
#define TLSECHO_CONFIG_WALK_H

#include "config_keys.h"
#include "tlsecho/server/config.h"

enum { CONFIG_WALK_DEPTH = 3 }; /* tls, certificates, and the top level */

enum config_walk_step {
    CONFIG_WALK_KEY,   /* a key; its sections and entries come next */
    CONFIG_WALK_ENTRY, /* an entry of the list or the profiles of that key; its keys come next */
    CONFIG_WALK_END,   /* the end of that key's entries */
};

/* A mapping that the walk is in. */
struct config_walk_level {
    const struct config_key *parent;      /* whose value it is; NULL = the top level */
    const struct config_section *section; /* NULL = before the first entry */
    const struct config_key *key;         /* where the walk is in it; NULL = before the first key */
    const char *base;                     /* the struct that holds it; NULL without values */
    const char *entries;                  /* of a list */
    size_t next_entry, entry_count;       /* likewise */
};

struct config_walk {
    enum config_walk_step step;
    const struct config_key *key;
    const char *field; /* of the key, or the struct of the entry; NULL without values */
    size_t depth;      /* of the level that the step belongs to */
    struct config_walk_level levels[CONFIG_WALK_DEPTH];
};

/* config NULL = the table itself. */
void config_walk_start(struct config_walk *walk, const struct config *config);

/* Goes one step on. False at the end. */
bool config_walk_next(struct config_walk *walk);

#endif
