/* SPDX-License-Identifier: MIT */
/*
 * The limit of open file descriptors, RLIMIT_NOFILE of getrlimit(2).
 *
 * Ownership: none.   Threads: the main one.
 */
#ifndef TLSECHO_DESCRIPTORS_H
#define TLSECHO_DESCRIPTORS_H

#include <stdint.h>

#include "tlsecho/server/config.h"

/* Raises the soft limit to the hard one, as programs without select(2) may. Returns the limit;
 * UINT64_MAX if it is unknown. */
uint64_t descriptors_raise(void);

/* The first reserved descriptor: no connection uses those from there on, which are for the admin
 * address and reloads: 32, or an eighth of a low limit. The kernel always returns the lowest free
 * number, so one from there on means that all below are in use. Any thread. */
int descriptors_reserve_fd(void);

/* Warns (event=descriptor_limit_low) if the limit is below what limits.connections needs together
 * with `own`, the descriptors of the server itself. */
void descriptors_check(uint64_t descriptors, const struct config *config, uint64_t own);

#endif
