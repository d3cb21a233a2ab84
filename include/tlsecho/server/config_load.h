/* SPDX-License-Identifier: MIT */
/*
 * Makes a configuration from a file, a text, or the built-in default: parses it, reads it by the
 * table of keys, completes it and checks it. Binds nothing, and opens no file that the
 * configuration names.
 *
 * Ownership: the caller releases the result with config_free.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_LOAD_H
#define TLSECHO_CONFIG_LOAD_H

#include <stddef.h>

#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

#define CONFIG_STANDARD_INPUT "-"

/* Reads and checks a file of at most 1 MiB that is not empty. CONFIG_STANDARD_INPUT can be read
 * only once, and its relative paths start at the current folder. ERROR_INPUT: "FILE:LINE:COLUMN:
 * key: what is wrong: the remedy", or why the file cannot be read. */
int config_load(const char *path, struct config **ret, struct error *err);

/* Reads the file of that configuration again. ERROR_INPUT: likewise, and for one that can be read
 * only once. */
int config_load_again(const struct config *config, struct config **ret, struct error *err);

/* The same from memory; name is the file's name, for messages and for relative paths. */
int config_parse(const char *name, const char *text, size_t size, struct config **ret,
                 struct error *err);

/* The built-in default: tcp://localhost:7007 and tls://localhost:7443. ERROR_SYSTEM (memory). */
int config_default(struct config **ret, struct error *err);

#endif
