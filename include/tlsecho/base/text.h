/* SPDX-License-Identifier: MIT */
/*
 * Displays text from others: UTF-8 (RFC 3629), without characters that control a terminal or are
 * invisible.
 *
 * A character is printable unless it is
 *   - a control character: C0, DEL, C1;
 *   - a line or paragraph separator: U+2028, U+2029;
 *   - a bidirectional control: U+061C, U+200E, U+200F, U+202A..E, U+2066..9;
 *   - invisible: all of Unicode's Default_Ignorable_Code_Point (byte order mark, zero-width
 *     characters, soft hyphen, fillers, variation selectors, tags) and U+FFF9..B;
 *   - a noncharacter.
 * Unprintable characters, and bytes that are not part of a character, are written as escapes.
 *
 * Ownership: the caller's memory, no heap.   Threads: any.
 */
#ifndef TLSECHO_TEXT_H
#define TLSECHO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TEXT_CHARACTER_BYTES = 4, /* the longest, in UTF-8 */
    TEXT_PIECE_BYTES = 16,    /* the longest escape with its NUL */
    TEXT_BRIEF_BYTES = 32,
};

/* Decodes the first character of the n bytes at `data` (RFC 3629 §4). Returns its length, 1..4; 0
 * if n is 0, or if it is malformed or incomplete. */
size_t text_decode(const void *data, size_t n, uint32_t *ret);

bool text_code_printable(uint32_t code);

/* Whether all of it is UTF-8 and printable. */
bool text_printable(const char *text);

/*
 * Writes the first character of the n bytes at `data`, n > 0, for a terminal: a printable one as it
 * is, others as \x1b (C0, DEL, a byte that is not a character), \u202e or \U000e0041. Backslashes
 * are kept, so that escaped text can be escaped again. Returns how many bytes of `data` were used;
 * `ret` is NUL-terminated.
 */
size_t text_escape(const void *data, size_t n, char ret[TEXT_PIECE_BYTES]);

/* Escapes the n bytes at `data` into `ret`, NUL-terminated; text that does not fit into `size`
 * bytes (> 3) is cut between two characters and ends in "...". Returns the length. */
size_t text_copy(const void *data, size_t n, char *ret, size_t size);

/* The length of the line of printable ASCII at the start of the n bytes at `data`, up to CR, LF,
 * TAB or their end; 0 if it has less than three characters, which proves nothing. */
size_t text_line_length(const void *data, size_t n);

/* Escapes a text, or its beginning if it is long, for a message. */
void text_brief(const char *text, char ret[TEXT_BRIEF_BYTES]);

#endif
