/* SPDX-License-Identifier: MIT */
/*
 * Pipe and prompt: one session with data in both directions, until both have ended.
 *
 * Ownership: everything stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_STREAM_H
#define TLSECHO_STREAM_H

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/* Opens the session, calls talk for the exchange and its result, saves the TLS session, and prints
 * the result. */
void stream_run(const struct options *options,
                void (*talk)(struct exchange *x, const struct options *options,
                             struct outcome *ret),
                struct outcome *ret);

#endif
