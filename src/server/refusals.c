/* SPDX-License-Identifier: MIT */
#include "tlsecho/refusals.h"

#include <stdio.h>

#include "tlsecho/log.h"

void refusals_add(struct refusals *refusals, enum admission_refusal refusal, const char *reason,
                  const char *listener, const struct address *source)
{
    tally_add(&refusals->of[refusal].tally);
    refusals->of[refusal].source = *source;
    snprintf(refusals->of[refusal].listener, sizeof refusals->of[refusal].listener, "%s", listener);
    snprintf(refusals->of[refusal].reason, sizeof refusals->of[refusal].reason, "%s", reason);
}

static void tell(const struct refusals *r, enum admission_refusal refusal, uint64_t count)
{
    char source[ADDRESS_TEXT_BYTES];
    struct log_line line;
    if (!log_begin(&line, LOG_LEVEL_WARNING, "connections_refused"))
        return;
    address_text(&r->of[refusal].source, source);
    log_text(&line, "cause", admission_word(refusal));
    log_number(&line, "count", count);
    log_text(&line, "reason", r->of[refusal].reason);
    log_text(&line, "last_source", source);
    log_text(&line, "last_listener", r->of[refusal].listener);
    log_end(&line);
}

void refusals_tell(struct refusals *refusals, uint64_t now_us)
{
    for (int refusal = 0; refusal < ADMISSION_REFUSALS; refusal++) {
        uint64_t count = tally_take(&refusals->of[refusal].tally, now_us);
        if (count > 0)
            tell(refusals, (enum admission_refusal)refusal, count);
    }
}

uint64_t refusals_due_us(const struct refusals *refusals)
{
    uint64_t due_us = UINT64_MAX;
    for (int refusal = 0; refusal < ADMISSION_REFUSALS; refusal++) {
        uint64_t one_us = tally_due_us(&refusals->of[refusal].tally);
        due_us = one_us < due_us ? one_us : due_us;
    }
    return due_us;
}
