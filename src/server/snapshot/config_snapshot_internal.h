/* SPDX-License-Identifier: MIT */
/*
 * Shared by config_snapshot.c and config_snapshot_tls.c (a profile's keys to its TLS context).
 *
 * Ownership: the snapshot owns the contexts, after a failure too.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_SNAPSHOT_INTERNAL_H
#define TLSECHO_CONFIG_SNAPSHOT_INTERNAL_H

#include "tlsecho/server/config_snapshot.h"

/* Creates the contexts of the profile at that index, for TLS and, if it is used, DTLS, and
 * describes its certificates. ERROR_INPUT names the place of the key, or list entry, that caused
 * it. */
int config_snapshot_load_profile(struct config_snapshot *snapshot, size_t index, struct error *err);

#endif
