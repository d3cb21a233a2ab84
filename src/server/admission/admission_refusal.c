/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admission_refusal.h"

static const struct {
    const char *word, *reason;
} names[ADMISSION_REFUSALS] = {
    [ADMISSION_GRANTED] = {"granted", "it may come in"},
    [ADMISSION_DENY] = {"deny", "its address is denied"},
    [ADMISSION_ALLOW] = {"allow", "its address is not among those allowed"},
    [ADMISSION_CONNECTIONS] = {"connections", "limits.connections is reached"},
    [ADMISSION_PER_SOURCE] = {"per_source", "limits.per_source is reached by its address"},
    [ADMISSION_ACCEPT_RATE] = {"accept_rate", "limits.accept_rate is reached"},
    [ADMISSION_WORKERS] = {"workers", "no worker takes connections"},
    [ADMISSION_DESCRIPTORS] = {"descriptors", "no descriptor is free"},
    [ADMISSION_MEMORY] = {"memory", "no memory is free"},
};

const char *admission_refusal_name(enum admission_refusal refusal)
{
    return names[refusal].word;
}

const char *admission_refusal_reason(enum admission_refusal refusal)
{
    return names[refusal].reason;
}
