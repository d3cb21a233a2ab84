/* SPDX-License-Identifier: MIT */
/* Warnings of a context: faults for which it is not refused. */
#include "tls_warning.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_context_internal.h"

int tls_warning_add(struct tls_context *ctx, struct tls_warning_topic topic, struct error *err,
                    const char *format, ...)
{
    size_t count = ctx->warning_count;
    struct tls_warning *more = realloc(ctx->warnings, (count + 1) * sizeof *more);
    if (!more)
        return error_sys(err, "read %s", topic.file);
    ctx->warnings = more;
    more[count] = (struct tls_warning){.event = topic.event, .file = strdup(topic.file)};
    if (!more[count].file)
        return error_sys(err, "read %s", topic.file);
    va_list args;
    va_start(args, format);
    vsnprintf(more[count].reason, sizeof more[count].reason, format, args);
    va_end(args);
    ctx->warning_count++;
    return 0;
}

void tls_warnings_free(struct tls_context *ctx)
{
    for (size_t i = 0; i < ctx->warning_count; i++)
        free(ctx->warnings[i].file);
    free(ctx->warnings);
}

const struct tls_warning *tls_context_warnings(const struct tls_context *ctx, size_t *ret_count)
{
    *ret_count = ctx->warning_count;
    return ctx->warnings;
}
