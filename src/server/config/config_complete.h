/* SPDX-License-Identifier: MIT */
/*
 * Fills in the values that follow from other keys.
 *
 * Ownership: the config owns them, after a failure too.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_COMPLETE_H
#define TLSECHO_CONFIG_COMPLETE_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

/* The profile of a listener that names none. */
#define CONFIG_COMPLETE_PROFILE "default"

/* Fills in the names of listeners, the default profile, the profile of each listener (NULL if there
 * is none of that name) and admin.endpoint. ERROR_INPUT with its place; ERROR_SYSTEM (memory). */
int config_complete(struct config *config, struct error *err);

#endif
