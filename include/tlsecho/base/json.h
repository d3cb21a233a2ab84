/* SPDX-License-Identifier: MIT */
/*
 * JSON as the log and the report write it: RFC 8259, and nothing in it that a terminal would obey.
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
 * The next piece of a text as it stands between the quotes of a JSON string: a character, or an
 * escape: \ufffd for a byte that is none (invalid UTF-8), the character's own for quotes and for
 * what is not printable (text.h). Moves *text on. Returns the piece's length, 0 at the end of the
 * text.
 */
size_t json_escape(const char **text, char ret[JSON_PIECE_BYTES]);

/* Likewise the next piece of JSON in one line that another writer made: its quotes stay. */
size_t json_escape_json(const char **text, char ret[JSON_PIECE_BYTES]);

/*
 * A writer that keeps a window of the whole: so many bytes after the first `skip`. Whoever has too
 * little room for all of it writes it once more, with a window that begins where the last one
 * ended.
 */
struct json {
    char *data;
    size_t size, n; /* bytes of the window: room, filled */
    uint64_t skip;  /* bytes still to come before the window begins */
    bool follows;   /* something stands before in the same object or array */
};

void json_begin(struct json *json, void *data, size_t size, uint64_t skip);

/* An object; key NULL: the whole, or an entry of an array. */
void json_open(struct json *json, const char *key);
void json_close(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

/* A field; key NULL: an entry of an array. */
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_switch(struct json *json, const char *key, bool value);

/* What stands behind the whole: LF. */
void json_newline(struct json *json);

#endif
