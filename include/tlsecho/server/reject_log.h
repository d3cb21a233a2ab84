/* SPDX-License-Identifier: MIT */
/*
 * The log lines of refused connections: for each reason at most one a second, with the number of
 * connections and the last source.
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
        struct address source; /* of the last one, as are the next two */
        char listener[ENDPOINT_TEXT_BYTES];
        char reason[ERROR_TEXT_BYTES];
    } of[ADMISSION_REFUSALS];
};

/* Adds one. reason: a sentence, or the error of the system. */
void reject_log_add(struct reject_log *reject_log, enum admission_refusal refusal,
                    const char *reason, const char *listener, const struct address *source);

/* Logs event=connections_refused for the reasons that are due at now_us (clock_now_us; UINT64_MAX
 * = all). */
void reject_log_flush(struct reject_log *reject_log, uint64_t now_us);

/* When reject_log_flush is due; UINT64_MAX = never. */
uint64_t reject_log_due_us(const struct reject_log *reject_log);

#endif
