/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/reject_log.h"

#include <stdio.h>

#include "tlsecho/base/log.h"

void reject_log_add(struct reject_log *reject_log, enum admission_refusal refusal,
                    const char *reason, const char *listener, const struct address *source)
{
    rate_limited_count_add(&reject_log->of[refusal].counter);
    reject_log->of[refusal].source = *source;
    snprintf(reject_log->of[refusal].listener, sizeof reject_log->of[refusal].listener, "%s",
             listener);
    snprintf(reject_log->of[refusal].reason, sizeof reject_log->of[refusal].reason, "%s", reason);
}

static void log_rejected(const struct reject_log *r, enum admission_refusal refusal, uint64_t count)
{
    char source[ADDRESS_TEXT_BYTES];
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_WARNING, "connections_refused"))
        return;
    address_text(&r->of[refusal].source, source);
    log_text(&line, "cause", admission_refusal_name(refusal));
    log_number(&line, "count", count);
    log_text(&line, "reason", r->of[refusal].reason);
    log_text(&line, "last_source", source);
    log_text(&line, "last_listener", r->of[refusal].listener);
    log_end(&line);
}

void reject_log_flush(struct reject_log *reject_log, uint64_t now_us)
{
    for (int refusal = 0; refusal < ADMISSION_REFUSALS; refusal++) {
        uint64_t count = rate_limited_count_take(&reject_log->of[refusal].counter, now_us);
        if (count > 0)
            log_rejected(reject_log, (enum admission_refusal)refusal, count);
    }
}

uint64_t reject_log_due_us(const struct reject_log *reject_log)
{
    uint64_t due_us = UINT64_MAX;
    for (int refusal = 0; refusal < ADMISSION_REFUSALS; refusal++) {
        uint64_t one_us = rate_limited_count_due_us(&reject_log->of[refusal].counter);
        due_us = one_us < due_us ? one_us : due_us;
    }
    return due_us;
}
