/* SPDX-License-Identifier: MIT */
/*
 * The steps from a tree of YAML to a configuration: config_read.c (the tree, by the table of keys),
 * config_scalar.c (single values), config_complete.c (values that follow from other keys) and
 * config_check.c (rules that involve several keys).
 *
 * Ownership: the config owns what is read, after a failure too.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_INTERNAL_H
#define TLSECHO_CONFIG_INTERNAL_H

#include "config_keys.h"
#include "config_value.h"
#include "config_yaml.h"
#include "tlsecho/base/quantity.h"
#include "tlsecho/base/text.h"
#include "tlsecho/server/config.h"

enum { CONFIG_PATH_BYTES = 192 };

#define CONFIG_DEFAULT_PROFILE "default"

struct config_reader {
    struct config *config;
    char path[CONFIG_PATH_BYTES]; /* of the key being read: listeners[0].tls */
    size_t path_length;
    bool in_default; /* a default is being read: it has no place */
    struct error *err;
};

/* Fills a config that is zero except for its file. ERROR_INPUT with its place; ERROR_SYSTEM. */
int config_read(struct config *config, const struct config_node *root, struct error *err);

/* Adds a profile of that name with every default. ERROR_INPUT: too many; ERROR_SYSTEM (memory). */
int config_read_profile(struct config *config, const char *name, struct error *err);

/* Reads text into the field of base that key names. */
int config_scalar_read(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, char *base);

/* Reads one text of that key into ret, which the config frees, also after a failure. */
int config_scalar_text(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, struct config_text *ret);

/* Writes a number of that key as users write it. */
void config_scalar_number_text(const struct config_key *key, uint64_t number,
                               char ret[QUANTITY_BYTES]);

/* config_refuse with the path of the key being read. Always returns -1. */
int config_reader_refuse(struct config_reader *r, struct config_place place, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));

/* Fills in the names of listeners, the default profile, the profile of each listener (NULL if there
 * is none of that name) and admin.endpoint. ERROR_INPUT with its place; ERROR_SYSTEM (memory). */
int config_complete(struct config *config, struct error *err);

/* Checks a complete configuration and changes nothing. ERROR_INPUT with its place. */
int config_check(const struct config *config, struct error *err);

#endif
