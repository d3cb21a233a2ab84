/* SPDX-License-Identifier: MIT */
/*
 * A switch as users write it. Errors are ERROR_INPUT and say what to write instead.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_VALUE_H
#define TLSECHO_CONFIG_VALUE_H

#include <stdbool.h>

#include "tlsecho/base/error.h"

/* on/off, true/false, yes/no. */
int config_value_switch(const char *text, bool *ret, struct error *err);

#endif
