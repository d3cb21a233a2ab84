/* SPDX-License-Identifier: MIT */
/*
 * Reads a tree of YAML by the table of keys, and the defaults of the keys that it does not have.
 *
 * Ownership: the config owns what is read, after a failure too.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_READ_H
#define TLSECHO_CONFIG_READ_H

#include "config_yaml.h"
#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

/* Fills a config that is zero except for its file. ERROR_INPUT with its place; ERROR_SYSTEM. */
int config_read(struct config *config, const struct config_node *root, struct error *err);

/* Adds a profile of that name with every default. ERROR_INPUT: too many; ERROR_SYSTEM (memory). */
int config_read_profile(struct config *config, const char *name, struct error *err);

#endif
