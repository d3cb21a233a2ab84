/* SPDX-License-Identifier: MIT */
/*
 * What the printers of a ping share.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_PING_INTERNAL_H
#define TLSECHO_OUTPUT_PING_INTERNAL_H

#include "tlsecho/client/output_ping.h"

/* Where each connection had but one reply, that one counts. */
const struct histogram *output_ping_round_trips(const struct probes *probes);

/* Of those of which it is known what became of them. */
double output_ping_percent_lost(const struct probes *probes);

#endif
