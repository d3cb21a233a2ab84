/* SPDX-License-Identifier: MIT */
/*
 * How many datagrams each source has sent in the last second, an IPv6 /64 being one source. The
 * table has a fixed size: a new source takes the place of the one of its set that has been silent
 * for longest.
 *
 * Ownership: admission's.   Threads: any.
 */
#ifndef TLSECHO_ADMISSION_RATES_H
#define TLSECHO_ADMISSION_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

struct admission_rates;

/* ERROR_SYSTEM. */
int admission_rates_new(struct admission_rates **ret, struct error *err);
void admission_rates_free(struct admission_rates *rates);

/* Counts a datagram of an IP address; false: it is beyond per_second (at least 1), of which a whole
 * second may come at once. */
bool admission_rates_take(struct admission_rates *rates, const struct address *source,
                          uint64_t per_second, uint64_t now_us);

#endif
