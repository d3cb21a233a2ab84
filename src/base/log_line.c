/* SPDX-License-Identifier: MIT */
/* The format of a line: fields in logfmt or JSON. A field is written in full or not at all. */
#include "log_internal.h"

#include <string.h>

#include "tlsecho/base/clock.h"
#include "tlsecho/base/json.h"

/* Reserved for the end of a truncated line. */
static const char truncated_logfmt[] = " truncated=yes\n";
static const char truncated_json[] = ",\"truncated\":true}\n";

enum { LINE_ROOM = LOG_LINE_BYTES - (int)sizeof truncated_json };

static void put(struct log_line *line, const char *text, size_t n)
{
    if (line->truncated || line->length + n > LINE_ROOM) {
        line->truncated = true;
        return;
    }
    memcpy(line->text + line->length, text, n);
    line->length += n;
}

static void put_text(struct log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* A value longer than `max` bytes is cut between two characters and ends in "...". */
static void put_escaped(struct log_line *line, const char *text, size_t max)
{
    static const char more[] = "...";
    char piece[JSON_PIECE_BYTES];
    size_t start = line->length, cut = start, n;
    while ((n = json_escape(&text, piece)) > 0) {
        if (line->length - start + n > max) {
            line->length = cut;
            put_text(line, more);
            return;
        }
        put(line, piece, n);
        if (line->length - start + strlen(more) <= max)
            cut = line->length;
    }
}

/* The length of a value that needs no quotes in logfmt; 0 = it needs some. */
static size_t bare_length(const char *value)
{
    const unsigned char *s = (const unsigned char *)value;
    for (; *s; s++)
        if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s >= 0x7f)
            return 0;
    return (size_t)((const char *)s - value);
}

static void put_key(struct log_line *line, const char *key)
{
    bool first = line->length == 0, json = line->format == LOG_FORMAT_JSON;
    if (json)
        put(line, first ? "{\"" : ",\"", 2);
    else if (!first)
        put(line, " ", 1);
    put_text(line, key);
    put(line, json ? "\":" : "=", json ? 2 : 1);
}

static void put_value(struct log_line *line, const char *value, size_t max)
{
    size_t bare = line->format == LOG_FORMAT_LOGFMT ? bare_length(value) : 0;
    if (bare > 0 && bare <= max) {
        put(line, value, bare);
        return;
    }
    put_text(line, "\"");
    put_escaped(line, value, max);
    put_text(line, "\"");
}

/* Removes a field that did not fit. */
static void settle(struct log_line *line, size_t start)
{
    if (line->truncated)
        line->length = start;
}

void log_text_capped(struct log_line *line, const char *key, const char *value, size_t most_bytes)
{
    size_t start = line->length;
    put_key(line, key);
    put_value(line, value, most_bytes);
    settle(line, start);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    log_text_capped(line, key, value, SIZE_MAX);
}

/* A value that needs no quotes in either format. */
static void bare_field(struct log_line *line, const char *key, const char *value)
{
    size_t start = line->length;
    put_key(line, key);
    put_text(line, value);
    settle(line, start);
}

/* Puts the digits of value, at least so many, before end; returns their start. snprintf(3) would
 * take most of the time of a line. */
static char *put_digits(char *end, uint64_t value, int least)
{
    for (; least > 0 || value > 0; least--, value /= 10)
        *--end = (char)('0' + value % 10);
    return end;
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
    char text[24] = "", *end = text + sizeof text - 1;
    bare_field(line, key, put_digits(end, value, 1));
}

void log_seconds(struct log_line *line, const char *key, uint64_t us)
{
    char text[32] = "", *point = put_digits(text + sizeof text - 1, us % 1000000, 6) - 1;
    *point = '.';
    bare_field(line, key, put_digits(point, us / 1000000, 1));
}

void log_switch(struct log_line *line, const char *key, bool value)
{
    bool json = line->format == LOG_FORMAT_JSON;
    bare_field(line, key, value ? (json ? "true" : "yes") : (json ? "false" : "no"));
}

const char *log_level_name(size_t level)
{
    static const char *const names[] = {[LOG_LEVEL_DEBUG] = "debug",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_WARNING] = "warning",
                                        [LOG_LEVEL_ERROR] = "error"};
    return level < sizeof names / sizeof *names ? names[level] : NULL;
}

const char *log_format_name(size_t format)
{
    static const char *const names[] = {[LOG_FORMAT_LOGFMT] = "logfmt", [LOG_FORMAT_JSON] = "json"};
    return format < sizeof names / sizeof *names ? names[format] : NULL;
}

void log_line_start(struct log_line *line, enum log_level level, const char *event,
                    enum log_format format)
{
    line->level = level;
    line->format = format;
    line->length = 0;
    line->truncated = false;

    struct timespec now;
    char text[CLOCK_TEXT_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    clock_text(&now, text);
    log_text(line, "time", text);
    log_text(line, "level", log_level_name(level));
    log_identity_put(line);
    log_text(line, "event", event);
}

void log_line_finish(struct log_line *line)
{
    bool json = line->format == LOG_FORMAT_JSON;
    const char *end = json ? "}\n" : "\n";
    if (line->truncated)
        end = json ? truncated_json : truncated_logfmt;
    size_t n = strlen(end);
    memcpy(line->text + line->length, end, n);
    line->length += n;
}
