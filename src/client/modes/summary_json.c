/* SPDX-License-Identifier: MIT */
/* Parses a document, and follows in which field the parser is: jansson does not tell. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "summary_internal.h"

enum { DEPTH = 2, KEY_BYTES = 32 };

struct reader {
    FILE *file;
    bool in_string, escaped;
    unsigned depth;              /* of objects and arrays */
    unsigned number_depth;       /* at the last digit */
    char text[KEY_BYTES];        /* the last string, cut */
    char keys[DEPTH][KEY_BYTES]; /* of the outer object and of one in it; "" = none */
};

static void add(char text[KEY_BYTES], char c)
{
    size_t length = strlen(text);
    if (length < KEY_BYTES - 1) {
        text[length] = c;
        text[length + 1] = '\0';
    }
}

static void follow_string(struct reader *r, char c)
{
    if (!r->escaped && c == '"') {
        r->in_string = false;
        return;
    }
    r->escaped = !r->escaped && c == '\\';
    add(r->text, c);
}

static void follow(struct reader *r, char c)
{
    if (r->in_string) {
        follow_string(r, c);
    } else if (c == '"') {
        r->in_string = true;
        r->text[0] = '\0';
    } else if (c == ':' && r->depth >= 1 && r->depth <= DEPTH) {
        memcpy(r->keys[r->depth - 1], r->text, KEY_BYTES);
    } else if (c == '{' || c == '[') {
        if (r->depth < DEPTH)
            r->keys[r->depth][0] = '\0';
        r->depth++;
    } else if (c == '}' || c == ']') {
        r->depth -= r->depth > 0;
    } else if (isdigit((unsigned char)c)) {
        r->number_depth = r->depth;
    }
}

/* One at a time, so that what follows the document stays in the file. */
static size_t read_byte(void *buffer, size_t size, void *data)
{
    struct reader *r = data;
    int c = getc(r->file);
    if (c == EOF || size == 0)
        return 0;
    follow(r, (char)c);
    *(char *)buffer = (char)c;
    return 1;
}

/* The text of an error has nothing of the file but what could be the name of a field. */
static const char *name_of(const char *key)
{
    return key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")] ? "" : key;
}

struct json_t *summary_load(FILE *file, struct error *err)
{
    struct reader reader = {.file = file};
    json_error_t why;
    json_t *json = json_load_callback(read_byte, &reader,
                                      JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &why);
    if (json && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    } else if (!json && json_error_code(&why) == json_error_numeric_overflow) {
        const char *outer = name_of(reader.keys[0]), *inner = name_of(reader.keys[1]);
        bool both = *outer && *inner && reader.number_depth >= DEPTH;
        error_set(err, ERROR_INPUT, "%s%s%s is not a number that --bench --json prints",
                  *outer ? outer : "a field", both ? "." : "", both ? inner : "");
        return NULL;
    }
    if (!json)
        error_set(err, ERROR_INPUT, NOT_A_SUMMARY);
    return json;
}
