/* SPDX-License-Identifier: MIT */
/*
 * What the client does with a session once it is up.
 *
 * Ownership: everything stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_MODE_H
#define TLSECHO_MODE_H

#include "tlsecho/exchange.h"
#include "tlsecho/options.h"
#include "tlsecho/result.h"

/*
 * Standard input to the far end, half-closed at its end, what comes back to standard output. All
 * directions move independently: a stopped standard output stops nothing but reading.
 */
void mode_pipe(struct exchange *x, const struct options *options, struct outcome *ret);

/*
 * A line out, its echo back, with editing and history; an empty line is not sent. Ctrl-D ends our
 * direction and waits for the far end's; Ctrl-C ends at once, by what was measured until then.
 */
void mode_prompt(struct exchange *x, const struct options *options, struct outcome *ret);

#endif
