/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tlsecho/base/text.h"

/* A character beyond the BMP as its two surrogates, RFC 8259 §7. */
static size_t escape_code(char ret[JSON_PIECE_BYTES], uint32_t code)
{
    if (code < 0x10000)
        return (size_t)snprintf(ret, JSON_PIECE_BYTES, "\\u%04" PRIx32, code);
    code -= 0x10000;
    return (size_t)snprintf(ret, JSON_PIECE_BYTES, "\\u%04" PRIx32 "\\u%04" PRIx32,
                            0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

static size_t escape(const char **text, bool quotes, char ret[JSON_PIECE_BYTES])
{
    const char *s = *text;
    if (!*s)
        return 0;
    uint32_t code;
    size_t n = text_decode(s, strnlen(s, TEXT_CHARACTER_BYTES), &code);
    *text += n ? n : 1;
    if (n == 0)
        return escape_code(ret, 0xfffd);
    if (!text_code_printable(code))
        return escape_code(ret, code);
    bool quoted = quotes && (*s == '"' || *s == '\\');
    ret[0] = '\\';
    memcpy(ret + quoted, s, n);
    return quoted + n;
}

size_t json_escape(const char **text, char ret[JSON_PIECE_BYTES])
{
    return escape(text, true, ret);
}

size_t json_escape_json(const char **text, char ret[JSON_PIECE_BYTES])
{
    return escape(text, false, ret);
}

void json_begin(struct json *json, void *data, size_t size, uint64_t skip)
{
    *json = (struct json){.data = data, .size = size, .skip = skip};
}

void json_begin_html(struct json *json, void *data, size_t size, uint64_t skip)
{
    json_begin(json, data, size, skip);
    json->html = true;
}

static void put(struct json *json, const char *text, size_t n)
{
    size_t skipped = json->skip < n ? (size_t)json->skip : n;
    json->skip -= skipped;
    size_t room = json->size - json->n;
    size_t taken = n - skipped < room ? n - skipped : room;
    memcpy(json->data + json->n, text + skipped, taken);
    json->n += taken;
}

void json_raw(struct json *json, const char *text)
{
    put(json, text, strlen(text));
}

/* A character that does not stand for itself on a page; NULL = it does. */
static const char *html_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\\': /* an escaped character differs from the same text */
        return "\\\\";
    default:
        return NULL;
    }
}

static void put_html(struct json *json, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        char piece[TEXT_PIECE_BYTES];
        size_t used = text_escape(text, left, piece);
        const char *entity = html_entity(*text);
        json_raw(json, entity ? entity : piece);
        text += used;
        left -= used;
    }
}

static void put_string(struct json *json, const char *text)
{
    char piece[JSON_PIECE_BYTES];
    size_t n;
    json_raw(json, "\"");
    while ((n = json_escape(&text, piece)) > 0)
        put(json, piece, n);
    json_raw(json, "\"");
}

/* A row, or an entry of a list. */
static void put_html_key(struct json *json, const char *key)
{
    json_raw(json, key ? "<tr><th>" : "<li>");
    if (!key)
        return;
    put_html(json, key);
    json_raw(json, "<td>");
}

static void put_key(struct json *json, const char *key)
{
    if (json->html) {
        put_html_key(json, key);
        return;
    }
    if (json->follows)
        json_raw(json, ",");
    json->follows = true;
    if (key) {
        put_string(json, key);
        json_raw(json, ":");
    }
}

/* What is outermost has no key, and in HTML is in no row. */
static void open_with(struct json *json, const char *key, const char *bracket, const char *tag)
{
    if (key || !json->html)
        put_key(json, key);
    json_raw(json, json->html ? tag : bracket);
    json->follows = false;
}

static void close_with(struct json *json, const char *bracket, const char *tag)
{
    json_raw(json, json->html ? tag : bracket);
    json->follows = true;
}

void json_open(struct json *json, const char *key)
{
    open_with(json, key, "{", "<table>");
}

void json_close(struct json *json)
{
    close_with(json, "}", "</table>");
}

void json_open_array(struct json *json, const char *key)
{
    open_with(json, key, "[", "<ul>");
}

void json_close_array(struct json *json)
{
    close_with(json, "]", "</ul>");
}

void json_open_pairs(struct json *json, const char *key)
{
    open_with(json, key, "[", "<table>");
}

void json_pair(struct json *json, const char *name, const char *value)
{
    if (json->html) {
        json_text(json, name, value);
        return;
    }
    json_open(json, NULL);
    json_text(json, "name", name);
    json_text(json, "value", value);
    json_close(json);
}

void json_close_pairs(struct json *json)
{
    close_with(json, "]", "</table>");
}

void json_text(struct json *json, const char *key, const char *value)
{
    put_key(json, key);
    if (json->html)
        put_html(json, value);
    else
        put_string(json, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_key(json, key);
    json_raw(json, text);
}

void json_switch(struct json *json, const char *key, bool value)
{
    put_key(json, key);
    json_raw(json, value ? "true" : "false");
}

void json_newline(struct json *json)
{
    json_raw(json, "\n");
}
