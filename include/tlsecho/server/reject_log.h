/* SPDX-License-Identifier: MIT */
/*
 * What the log says of connections that were not let in: for each reason at most one line a second,
 * with how many it was, and who came last.
 *
 * Ownership: values, no heap; all 0 at the start.   Threads: one at a time.
 */
#ifndef TLSECHO_REJECT_LOG_H
#define TLSECHO_REJECT_LOG_H

#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/base/rate_limited_count.h"
#include "tlsecho/net/address.h"
#include "tlsecho/net/endpoint.h"
#include "tlsecho/server/admission_refusal.h"

struct reject_log {
    struct {
        struct rate_limited_count counter;
        struct address source; /* of the last one, and so are these */
        char listener[ENDPOINT_TEXT_BYTES];
        char reason[ERROR_TEXT_BYTES];
    } of[ADMISSION_REFUSALS];
};

/* One more. reason: in words, what the system said if it was the system. */
void reject_log_add(struct reject_log *reject_log, enum admission_refusal refusal,
                    const char *reason, const char *listener, const struct address *source);

/* event=connections_refused for what is to be told at now_us (clock_now_us; UINT64_MAX =
 * everything). */
void reject_log_tell(struct reject_log *reject_log, uint64_t now_us);

/* When there will be something to tell; UINT64_MAX = never. */
uint64_t reject_log_due_us(const struct reject_log *reject_log);

#endif
