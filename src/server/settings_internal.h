/* SPDX-License-Identifier: MIT */
/*
 * Between settings.c and settings_tls.c (a profile's keys to its TLS context).
 *
 * Ownership: settings own the contexts, also after a failure.   Threads: one.
 */
#ifndef TLSECHO_SETTINGS_INTERNAL_H
#define TLSECHO_SETTINGS_INTERNAL_H

#include "tlsecho/settings.h"

/* Makes the context of the profile at that index and describes its certificates. ERROR_INPUT names
 * the place of the key, or of the entry of a list, that is to blame. */
int settings_load_profile(struct settings *settings, size_t index, struct error *err);

#endif
