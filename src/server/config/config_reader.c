/* SPDX-License-Identifier: MIT */
#include "config_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "tlsecho/base/text.h"

#undef config_reader_refuse

int config_reader_refuse(struct config_reader *r, struct config_place place, const char *format,
                         ...)
{
    char message[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const char *separator = r->path_length ? ": " : "";
    return config_refuse(r->config, place, r->err, "%s%s%s", r->path, separator, message);
}

size_t config_reader_enter_key(struct config_reader *r, const char *name)
{
    size_t before = r->path_length;
    char brief[TEXT_BRIEF_BYTES];
    text_brief(name, brief);
    r->path_length += (size_t)snprintf(r->path + before, CONFIG_PATH_BYTES - before, "%s%s",
                                       before ? "." : "", brief);
    return before;
}

size_t config_reader_enter_entry(struct config_reader *r, size_t i)
{
    size_t before = r->path_length;
    r->path_length += (size_t)snprintf(r->path + before, CONFIG_PATH_BYTES - before, "[%zu]", i);
    return before;
}

/* A path always fits: names are shortened, and the table is only a few levels deep. */
void config_reader_leave(struct config_reader *r, size_t before)
{
    r->path_length = before;
    r->path[before] = '\0';
}
