/* SPDX-License-Identifier: MIT */
/*
 * Warnings of a context: faults for which a file is not refused.
 *
 * Ownership: the context's.   Threads: as tls_context.h.
 */
#ifndef TLSECHO_TLS_WARNING_H
#define TLSECHO_TLS_WARNING_H

#include "tlsecho/base/error.h"

struct tls_context;

/* As in struct tls_warning. */
struct tls_warning_topic {
    const char *event, *file;
};

/* Adds a warning; the format and what follows make its reason. ERROR_SYSTEM (memory). */
int tls_warning_add(struct tls_context *ctx, struct tls_warning_topic topic, struct error *err,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
void tls_warnings_free(struct tls_context *ctx);

#endif
