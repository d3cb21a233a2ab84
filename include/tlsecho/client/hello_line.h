/* SPDX-License-Identifier: MIT */
/*
 * The line that a listener with `service: hello` sends before it echoes, docs/schema/hello.json,
 * told apart from the bytes that follow it.
 *
 * Ownership: a value; the bytes are the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_HELLO_LINE_H
#define TLSECHO_HELLO_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum { HELLO_LINE_BYTES_MAX = 64 << 10 };

/* All zero before its first byte. */
struct hello_line {
    size_t n; /* bytes that have come */
    bool complete;
};

/* Takes the bytes that belong to the line, its line feed included; *ret_used: how many. False: it
 * is another line, or longer than HELLO_LINE_BYTES_MAX. */
bool hello_line_take(struct hello_line *line, const unsigned char *data, size_t n,
                     size_t *ret_used);

/* Whether a stream that begins with these bytes may begin with such a line. */
bool hello_line_begins(const unsigned char *data, size_t n);

#endif
