/* SPDX-License-Identifier: MIT */
/*
 * The verdict of a check: a line for people, the line of a Nagios plug-in
 * (https://nagios-plugins.org/doc/guidelines.html), or JSON. On standard output.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_CHECK_H
#define TLSECHO_OUTPUT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/check_series.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"
#include "tlsecho/client/session.h"
#include "tlsecho/net/peer.h"

/* The certificate that expires first. */
struct check_expiry {
    bool known;
    int64_t not_after; /* seconds since 1970, UTC */
    int64_t days;      /* from now until then, rounded down; negative = expired */
    char subject[PEER_NAME_BYTES];
};

struct check_report {
    const struct options *options;
    const struct session *session;
    const struct exchange *exchange;
    struct check_expiry expiry;   /* of those that were verified, trust anchor included */
    struct check_expiry unneeded; /* of the others that the server sent; only noted */
    struct check_series series;   /* of --count: then session and exchange are the last one's */
    uint64_t duration_us;
};

void output_check(const struct check_report *report, const struct outcome *outcome);

/* "TLSECHO UNKNOWN - ...", for an error before the check begins. */
void output_check_usage(const struct error *err);

#endif
