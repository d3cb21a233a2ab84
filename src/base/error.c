/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/error.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/text.h"

#undef error_set
#undef error_sys
#undef error_advise
#undef error_prefix

static void format_text(char ret[ERROR_TEXT_BYTES], const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void fill(struct error *err, enum error_kind kind, int code, const char *format,
                 va_list args) __attribute__((format(printf, 4, 0)));

/* Escaped, as it may contain text from the peer. */
static void format_text(char ret[ERROR_TEXT_BYTES], const char *format, va_list args)
{
    char text[ERROR_TEXT_BYTES];
    vsnprintf(text, sizeof text, format, args);
    text_copy(text, strlen(text), ret, ERROR_TEXT_BYTES);
}

static void fill(struct error *err, enum error_kind kind, int code, const char *format,
                 va_list args)
{
    err->kind = kind;
    err->code = code;
    err->alert = -1;
    format_text(err->text, format, args);
}

/* Appends as much of `more` as fits. */
static void append(char text[ERROR_TEXT_BYTES], const char *more)
{
    size_t used = strlen(text);
    size_t n = strnlen(more, ERROR_TEXT_BYTES - 1 - used);
    memcpy(text + used, more, n);
    text[used + n] = '\0';
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, 0, format, args);
    va_end(args);
    return -1;
}

/* NULL = it depends on the operation. */
static const char *remedy_of(int code)
{
    switch (code) {
    case EMFILE:
        return "raise the limit of open files, ulimit -n, or LimitNOFILE= of the service";
    case ENFILE:
        return "raise the host's limit of open files, sysctl fs.file-max";
    case ENOMEM:
        return "free memory, or raise its limit, ulimit -v, or MemoryMax= of the service";
    }
    return NULL;
}

int error_advise(struct error *err, const char *remedy)
{
    if (err->kind == ERROR_DNS || !remedy_of(err->code)) {
        append(err->text, ": ");
        append(err->text, remedy);
    }
    return -1;
}

int error_sys(struct error *err, const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    fill(err, ERROR_SYSTEM, code, format, args);
    va_end(args);

    char reason[128];
    append(err->text, ": ");
    append(err->text, strerror_r(code, reason, sizeof reason));
    if (remedy_of(code)) {
        append(err->text, ": ");
        append(err->text, remedy_of(code));
    }
    return -1;
}

bool error_is_temporary(const struct error *err)
{
    if (err->kind == ERROR_DNS)
        return err->code == EAI_AGAIN || err->code == EAI_MEMORY || err->code == EAI_SYSTEM;
    if (err->kind != ERROR_SYSTEM && err->kind != ERROR_INPUT)
        return false;
    switch (err->code) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EINTR:
        return true;
    }
    return false;
}

int error_prefix(struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);

    append(text, ": ");
    append(text, err->text);
    memcpy(err->text, text, sizeof err->text);
    return -1;
}
