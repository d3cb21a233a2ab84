/* SPDX-License-Identifier: MIT */
/*
 * Which of several servers this is: its name, and variables of its environment that say where it
 * runs. For log, metrics and reports.
 *
 * Ownership: an identity owns its texts.   Threads: one while it is filled, then any.
 */
#ifndef TLSECHO_IDENTITY_H
#define TLSECHO_IDENTITY_H

#include <stddef.h>

/* Where names are flat, as in a log line, a variable is called so: env_NAME. */
#define IDENTITY_PREFIX "env_"

/* Names and values together, without NULs: the fields of a log line that follow need their room. */
enum { IDENTITY_BYTES = 512 };

struct identity_variable {
    char *name, *value;
};

struct identity {
    char *name; /* "" = unknown */
    struct identity_variable *variables;
    size_t count;
};

/* Frees what it owns; one that is all zero owns nothing. */
void identity_done(struct identity *identity);

#endif
