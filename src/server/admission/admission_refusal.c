/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/admission_refusal.h"

static const struct {
    const char *word, *reason;
} names[ADMISSION_REFUSALS] = {
    [ADMISSION_GRANTED] = {"granted", "accepted"},
    [ADMISSION_DENY] = {"deny", "the source is in deny"},
    [ADMISSION_ALLOW] = {"allow", "the source is not in allow"},
    [ADMISSION_CONNECTIONS] = {"connections", "limits.connections is reached"},
    [ADMISSION_PER_SOURCE] = {"per_source", "the source has reached limits.per_source"},
    [ADMISSION_ACCEPT_RATE] = {"accept_rate", "limits.accept_rate is reached"},
    [ADMISSION_WORKERS] = {"workers", "no worker accepts connections"},
    [ADMISSION_DESCRIPTORS] = {"descriptors", "no file descriptor is left"},
    [ADMISSION_MEMORY] = {"memory", "no memory is left"},
};

const char *admission_refusal_name(enum admission_refusal refusal)
{
    return names[refusal].word;
}

const char *admission_refusal_reason(enum admission_refusal refusal)
{
    return names[refusal].reason;
}
