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

/* Prints it in the form that the options ask for: as a line, as that of a Nagios plug-in, or as a
 * JSON object. */
void output_refusal(const struct options *options, const struct outcome *outcome);

#endif
