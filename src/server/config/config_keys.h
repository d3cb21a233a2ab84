/* SPDX-License-Identifier: MIT */
/*
 * The one table of the configuration's keys. Reading, defaults, printing, freeing and the manual
 * page are driven by it (config_walk.h): a new key is a field in struct config and a line here.
 *
 * Ownership: static.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_KEYS_H
#define TLSECHO_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/net/endpoint.h"

enum {
    CONFIG_ENTRIES = 64,                         /* in a list, or profiles */
    CONFIG_VALUES_ENTRIES = 256,                 /* in a list of texts or networks */
    CONFIG_NAME_BYTES = ENDPOINT_TEXT_BYTES - 1, /* of a listener or a profile */
};

/* The type of a key, and of its field. */
enum config_type {
    CONFIG_SWITCH,   /* bool */
    CONFIG_COUNT,    /* uint64_t; words[0], if there is one, means 0 */
    CONFIG_SIZE,     /* uint64_t, bytes */
    CONFIG_TIME,     /* uint64_t, ms; 0, if min allows it, = no limit: there is no "off" */
    CONFIG_CHOICE,   /* an enum with the values of words, in their order */
    CONFIG_TEXT,     /* struct config_text; one of words, where there are any */
    CONFIG_PATH,     /* struct config_text, absolute; relative ones start at the file's folder */
    CONFIG_ENDPOINT, /* struct endpoint */
    CONFIG_TEXTS,    /* struct config_texts; a list of texts */
    CONFIG_CIDRS,    /* struct config_cidrs; a list of networks */
    CONFIG_SECTION,  /* a mapping of further keys; fields of the same struct */
    CONFIG_LIST,     /* a list of mappings: a pointer to an array of section's structs */
    CONFIG_PROFILES, /* a mapping of names to mappings: likewise, named by section's `name` */
};

struct config_section;

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;            /* of the field in its struct; 0 for a section */
    const char *default_text; /* the default as in the file; NULL = the key is required */
    uint64_t min, max;        /* of the number, of each text's bytes, or of the number of entries;
                                 it must fit the type that the use of the value casts it to */
    uint64_t step;            /* of times: a multiple of this many ms; 0 = any */
    const char *(*words)(size_t i);       /* the i-th, NULL past the last */
    const struct config_section *section; /* of sections, lists and profiles */
    size_t count;                         /* lists and profiles: offset of the size_t beside it */
    size_t place;     /* single values: offset of a struct config_place to fill; 0 = none */
    bool written;     /* paths: the server writes this file, and a reload does not read it */
    bool hide_empty;  /* not printed if it is "", which would be refused */
    const char *help; /* one line */
};

struct config_section {
    const struct config_key *keys; /* the last one has no name */
    size_t size;                   /* of the struct with its fields */
    size_t name;                   /* profiles: offset of the struct config_text for its name */
};

extern const struct config_section config_keys;         /* of struct config */
extern const struct config_section config_keys_profile; /* of struct config_tls */

/* The key after that one, the first one after NULL; NULL after the last one. */
const struct config_key *config_keys_next(const struct config_section *section,
                                          const struct config_key *key);

/* NULL if there is none of that name. */
const struct config_key *config_keys_find(const struct config_section *section, const char *name);

/* The value of a CONFIG_CHOICE, whatever its enum. */
size_t config_keys_get_choice(const void *field);
void config_keys_set_choice(void *field, size_t value);

#endif
