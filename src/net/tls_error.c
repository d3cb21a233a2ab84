/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tls_internal.h"

/* The last in the queue is what the caller knows anyway ("handshake failed"); the first is where it
 * began. */
static void reason_text(char *ret, size_t size)
{
    unsigned long code = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    if (code == 0)
        snprintf(ret, size, "no reason given");
    else if (reason)
        snprintf(ret, size, "%s", reason);
    else
        ERR_error_string_n(code, ret, size);
    ERR_clear_error();
}

int tls_error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES], reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reason_text(reason, sizeof reason);
    return error_set(err, kind, "%s: %s", text, reason);
}
