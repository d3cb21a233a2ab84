/* SPDX-License-Identifier: MIT */
/*
 * Between snapshot.c and settings_tls.c (a profile's keys to its TLS context).
 *
 * Ownership: settings own the contexts, also after a failure.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_SNAPSHOT_INTERNAL_H
#define TLSECHO_CONFIG_SNAPSHOT_INTERNAL_H

#include "tlsecho/server/config_snapshot.h"

/* Makes the context of the profile at that index and describes its certificates. ERROR_INPUT names
 * the place of the key, or of the entry of a list, that is to blame. */
int config_snapshot_load_profile(struct config_snapshot *snapshot, size_t index, struct error *err);

#endif
