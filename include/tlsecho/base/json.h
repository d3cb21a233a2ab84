/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON (RFC 8259) for the log and the report, without characters that control a terminal; or
 * the same values as a table of HTML.
 *
 *     struct json json;
 *     json_begin(&json, data, size, 0);
 *     json_open(&json, NULL);
 *     json_text(&json, "listener", name);
 *     json_close(&json);
 *
 * Ownership: the caller's memory, no heap.   Threads: any, each with its own.
 */
#ifndef TLSECHO_JSON_H
#define TLSECHO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_PIECE_BYTES = 16 };

/*
 * Encodes the next character of a text for a JSON string: as it is, or escaped if it is a quote or
 * not printable (text.h); \ufffd replaces a byte of invalid UTF-8. Advances *text. Returns the
 * length of the output, 0 at the end of the text.
 */
size_t json_escape(const char **text, char ret[JSON_PIECE_BYTES]);

/* Likewise for JSON on one line by another writer, whose quotes are kept. */
size_t json_escape_json(const char **text, char ret[JSON_PIECE_BYTES]);

/*
 * A writer that keeps only a window of its output: `size` bytes after the first `skip`. To produce
 * output that is larger than the window, write it again with a window that begins where the last
 * one ended.
 */
struct json {
    char *data;
    size_t size, n; /* of the window: capacity, bytes written */
    uint64_t skip;  /* bytes of output before the window begins */
    bool follows;   /* the object or array has an entry already */
    bool html;
};

void json_begin(struct json *json, void *data, size_t size, uint64_t skip);

/* The same for HTML: an object is a table, an array a list. */
void json_begin_html(struct json *json, void *data, size_t size, uint64_t skip);

/* Opens an object; key NULL: the top-level one, or an entry of an array. */
void json_open(struct json *json, const char *key);
void json_close(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

/* An array of objects with a name and a value each, in HTML a table of them. */
void json_open_pairs(struct json *json, const char *key);
void json_pair(struct json *json, const char *name, const char *value);
void json_close_pairs(struct json *json);

/* A field; key NULL: an entry of an array. */
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_switch(struct json *json, const char *key, bool value);

/* Writes a text as it is. */
void json_raw(struct json *json, const char *text);

/* Writes the LF that ends the document. */
void json_newline(struct json *json);

#endif
