/* SPDX-License-Identifier: MIT */
/*
 * Why a run was not begun.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_REFUSAL_H
#define TLSECHO_OUTPUT_REFUSAL_H

#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/* Why nothing was begun, for the mode and in the form that the options say: one line, of a Nagios
 * plug-in too, or a JSON object. */
void output_refusal(const struct options *options, const struct outcome *outcome);

#endif
