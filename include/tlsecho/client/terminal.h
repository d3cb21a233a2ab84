/* SPDX-License-Identifier: MIT */
/*
 * Bytes at a terminal: those that are typed, as characters of the line editor and back, and those
 * that are shown.
 *
 * Ownership: the caller's memory.   Threads: one.
 */
#ifndef TLSECHO_TERMINAL_H
#define TLSECHO_TERMINAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <wchar.h>

/* Takes a terminal in the C locale, setlocale(3), for one that speaks UTF-8. */
void terminal_init(void);

/* Typed bytes that are not yet a character. */
struct terminal_keys {
    char bytes[MB_LEN_MAX];
    size_t n;
    bool quoted; /* by Ctrl-V */
};

/* Adds a byte. Not before terminal_next has returned false. */
void terminal_type(struct terminal_keys *keys, char byte);

/*
 * Takes the next character of what was typed; false = more bytes are needed. A byte that is no
 * character in this locale, C1 controls, and NUL behind Ctrl-V become U+DC00 + byte, which no
 * character has, so that an editor inserts them like any other.
 */
bool terminal_next(struct terminal_keys *keys, wchar_t *ret);

/* The n characters of a line as the bytes that were typed: at most n * MB_LEN_MAX. Returns how
 * many. */
size_t terminal_bytes(const wchar_t *line, size_t n, char *ret);

/* Bytes that came and may be the beginning of a character, or of CR LF. */
struct terminal_screen {
    unsigned char held[4];
    size_t n;
};

/* Writes what came as a terminal may have it: escaped (text_escape) but for line feeds and tabs; CR
 * LF is a line feed. What is held back comes with the next bytes, or with n = 0. */
void terminal_show(struct terminal_screen *screen, const unsigned char *data, size_t n, FILE *out);

#endif
