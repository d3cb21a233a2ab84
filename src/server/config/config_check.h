/* SPDX-License-Identifier: MIT */
/*
 * The rules that involve several keys.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_CHECK_H
#define TLSECHO_CONFIG_CHECK_H

#include "tlsecho/base/error.h"
#include "tlsecho/server/config.h"

/* Checks a complete configuration and changes nothing. ERROR_INPUT with its place. */
int config_check(const struct config *config, struct error *err);

#endif
