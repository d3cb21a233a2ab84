/* SPDX-License-Identifier: MIT */
/* How a line looks: fields in logfmt or JSON. A field goes in whole or not at all. */
#include "log_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/clock.h"

/* What a truncated line still needs at its end. */
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

static void put_escaped_code(struct log_line *line, unsigned code)
{
    char text[8];
    int n = snprintf(text, sizeof text, "\\u%04x", code & 0xffff);
    put(line, text, (size_t)n);
}

/* Length of the well-formed UTF-8 sequence (RFC 3629 §4) at s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (n == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool too_large = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : n;
}

/* Escapes as RFC 8259 §7 does, and what a terminal would obey besides: DEL and the C1 controls. */
static void put_escaped(struct log_line *line, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t n = utf8_length(s);
        if (n == 0) {
            put_text(line, "\\ufffd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            put(line, (const char[]){'\\', (char)*s}, 2);
        } else if (*s < 0x20 || *s == 0x7f) {
            put_escaped_code(line, *s);
        } else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) {
            put_escaped_code(line, s[1]);
        } else {
            put(line, (const char *)s, n);
        }
        s += n;
    }
}

static bool is_bare(const char *value)
{
    if (!*value)
        return false;
    for (const unsigned char *s = (const unsigned char *)value; *s; s++)
        if (*s <= ' ' || *s == '"' || *s == '=' || *s == '\\' || *s >= 0x7f)
            return false;
    return true;
}

static void put_key(struct log_line *line, const char *key)
{
    bool first = line->length == 0;
    if (log_state_format() == LOG_FORMAT_JSON) {
        put_text(line, first ? "{\"" : ",\"");
        put_text(line, key);
        put_text(line, "\":");
        return;
    }
    put_text(line, first ? "" : " ");
    put_text(line, key);
    put_text(line, "=");
}

static void put_value(struct log_line *line, const char *value)
{
    if (log_state_format() == LOG_FORMAT_LOGFMT && is_bare(value)) {
        put_text(line, value);
        return;
    }
    put_text(line, "\"");
    put_escaped(line, value);
    put_text(line, "\"");
}

/* Takes a field back that did not fit. */
static void settle(struct log_line *line, size_t start)
{
    if (line->truncated)
        line->length = start;
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    size_t start = line->length;
    put_key(line, key);
    put_value(line, value);
    settle(line, start);
}

/* A value that needs no quotes in either format. */
static void bare_field(struct log_line *line, const char *key, const char *value)
{
    size_t start = line->length;
    put_key(line, key);
    put_text(line, value);
    settle(line, start);
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    bare_field(line, key, text);
}

void log_seconds(struct log_line *line, const char *key, uint64_t us)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
    bare_field(line, key, text);
}

void log_switch(struct log_line *line, const char *key, bool value)
{
    bool json = log_state_format() == LOG_FORMAT_JSON;
    bare_field(line, key, value ? (json ? "true" : "yes") : (json ? "false" : "no"));
}

void log_line_start(struct log_line *line, enum log_level level, const char *event)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    line->length = 0;
    line->truncated = false;

    struct timespec now;
    char text[CLOCK_TEXT_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    clock_text(&now, text);
    log_text(line, "time", text);
    log_text(line, "level", levels[level]);
    log_text(line, "event", event);
}

void log_line_finish(struct log_line *line)
{
    bool json = log_state_format() == LOG_FORMAT_JSON;
    const char *end = json ? "}\n" : "\n";
    if (line->truncated)
        end = json ? truncated_json : truncated_logfmt;
    size_t n = strlen(end);
    memcpy(line->text + line->length, end, n);
    line->length += n;
}
