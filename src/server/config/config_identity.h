/* SPDX-License-Identifier: MIT */
/*
 * The values of `identity`: the host name, and what the environment holds.
 *
 * Ownership: the configuration's.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_IDENTITY_H
#define TLSECHO_CONFIG_IDENTITY_H

#include "tlsecho/server/config.h"

/* Fills identity.effective. ERROR_INPUT with the place of a variable that is not set or cannot be
 * shown; ERROR_SYSTEM (memory). */
int config_identity_complete(struct config *config, struct error *err);

#endif
