/* SPDX-License-Identifier: MIT */
/*
 * Text that somebody else wrote, as it is shown: UTF-8 (RFC 3629), without what a terminal obeys or
 * a reader does not see.
 *
 * A character is printable unless it is
 *   - a control character: C0, DEL, C1;
 *   - a line or paragraph separator: U+2028, U+2029;
 *   - a bidirectional control: U+061C, U+200E, U+200F, U+202A..E, U+2066..9;
 *   - invisible: all of Unicode's Default_Ignorable_Code_Point (byte order mark, zero-width
 *     characters, soft hyphen, fillers, variation selectors, tags) and U+FFF9..B;
 *   - a noncharacter.
 * What is not printable, and each byte that is not part of a character, is written as an escape.
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
    TEXT_PIECE_BYTES = 16,    /* the longest escape, its NUL included */
    TEXT_BRIEF_BYTES = 32,
};

/* Decodes the character that the n bytes at `data` begin with (RFC 3629 §4). Returns its length,
 * 1..4; 0 if they begin with none: n is 0, or they are malformed or cut short. */
size_t text_decode(const void *data, size_t n, uint32_t *ret);

bool text_code_printable(uint32_t code);

/* Whether all of it is UTF-8 and printable. */
bool text_printable(const char *text);

/*
 * Writes what the n bytes at `data`, n > 0, begin with, as a terminal may have it: a printable
 * character as it is, anything else as \x1b (C0, DEL, a byte that is no character), \u202e or
 * \U000e0041. Backslashes stay, so that an escaped text may be escaped again.
 * Returns how many bytes of `data` that was; `ret` is NUL-terminated.
 */
size_t text_escape(const void *data, size_t n, char ret[TEXT_PIECE_BYTES]);

/* Escapes the n bytes at `data` into `ret`, NUL-terminated; what does not fit into `size`, > 3,
 * bytes is left out between two characters and replaced by "...". Returns the length. */
size_t text_copy(const void *data, size_t n, char *ret, size_t size);

/* How long the line of printable ASCII is that the n bytes at `data` begin with, up to CR, LF, TAB
 * or their end; 0 if they begin with none, or with less than three characters, which may be
 * anything. */
size_t text_line_length(const void *data, size_t n);

/* Escapes a text, or its beginning where it is long, for a message. */
void text_brief(const char *text, char ret[TEXT_BRIEF_BYTES]);

#endif
