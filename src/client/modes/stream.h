/* SPDX-License-Identifier: MIT */
/*
 * What pipe and prompt have in common: one session, whose bytes go both ways until both have ended.
 *
 * Ownership: everything stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_STREAM_H
#define TLSECHO_STREAM_H

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

/* Opens the session, lets talk move the bytes and judge, keeps the session file, tells. */
void stream_run(const struct options *options,
                void (*talk)(struct exchange *x, const struct options *options,
                             struct outcome *ret),
                struct outcome *ret);

#endif
