/* SPDX-License-Identifier: MIT */
/*
 * Parses YAML into a tree of texts, lists and mappings, with the place of each. A subset of YAML:
 * one document, no anchors, aliases or tags, a text is one line of printable characters. Its limits
 * make it safe on hostile input.
 *
 * Ownership: a node owns its texts, its children and its next node.   Threads: any, each its own.
 */
#ifndef TLSECHO_CONFIG_YAML_H
#define TLSECHO_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "tlsecho/server/config.h"

enum { CONFIG_YAML_BYTES = 1 << 20, CONFIG_YAML_DEPTH = 32 };

enum config_node_kind {
    CONFIG_NODE_EMPTY, /* nothing after a key or a dash, or an empty file */
    CONFIG_NODE_TEXT,
    CONFIG_NODE_LIST,
    CONFIG_NODE_MAPPING,
};

/* Why a key or a text is refused. */
#define CONFIG_YAML_UNPRINTABLE                                                                    \
    "the text has a line break or another control character: write one line of printable "         \
    "characters"

struct config_node {
    enum config_node_kind kind;
    struct config_place place;
    char *text;                /* NULL unless a text; up to its first NUL */
    bool unprintable;          /* the text has to be refused: CONFIG_YAML_UNPRINTABLE */
    struct config_node *first; /* of a list or a mapping; NULL = none */
    size_t count;              /* of its children */
    struct config_node *next;  /* in the same list or mapping */
    char *key;                 /* of an entry of a mapping, else NULL; may repeat */
    struct config_place key_place;
};

/* Parses at most 1 MiB. ERROR_INPUT: "NAME:LINE:COLUMN: ..."; ERROR_SYSTEM (memory). */
int config_yaml_parse(const char *name, const char *text, size_t size, struct config_node **ret,
                      struct error *err);

void config_yaml_free(struct config_node *node);

#endif
