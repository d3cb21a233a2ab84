/* SPDX-License-Identifier: MIT */
/*
 * How many descriptors the process may have, RLIMIT_NOFILE of getrlimit(2).
 *
 * Ownership: none.   Threads: the main one.
 */
#ifndef TLSECHO_DESCRIPTORS_H
#define TLSECHO_DESCRIPTORS_H

#include <stdint.h>

#include "tlsecho/server/config.h"

/* Raises the soft limit to the hard one, which is there for programs that use poll(2) rather than
 * select(2). Returns how many there may be now; UINT64_MAX if nobody knows. */
uint64_t descriptors_raise(void);

/* The lowest descriptor that no connection takes: those from there on are kept for the admin
 * address and for reloads, 32 of them, or an eighth if there are few. As the kernel always gives
 * the lowest that is free, whoever is given one from there on knows that all below are taken. Any
 * thread. */
int descriptors_reserve_fd(void);

/* event=descriptors_short, a warning, if so many are fewer than limits.connections takes beside
 * `own`, those of the server itself. */
void descriptors_announce(uint64_t descriptors, const struct config *config, uint64_t own);

#endif
