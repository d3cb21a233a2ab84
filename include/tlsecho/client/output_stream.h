/* SPDX-License-Identifier: MIT */
/*
 * The end of a pipe or prompt.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_STREAM_H
#define TLSECHO_OUTPUT_STREAM_H

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"

/* The JSON object, or the failure and, with -v, what was measured: on standard error, because
 * standard output has the data. */
void output_stream(const struct options *options, const struct session *session,
                   const struct exchange *exchange, const struct outcome *outcome);

#endif
