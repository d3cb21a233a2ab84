/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a terminal: conversion of typed bytes to characters of the line editor and back, and
 * output that is safe for a terminal.
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

/* In the C locale, setlocale(3), assumes that the terminal uses UTF-8. */
void terminal_init(void);

/* Typed bytes that are not yet a character. */
struct terminal_keys {
    char bytes[MB_LEN_MAX];
    size_t n;
    bool quoted; /* by Ctrl-V */
};

/* Adds a byte. Call it only after terminal_next has returned false. */
void terminal_type(struct terminal_keys *keys, char byte);

/*
 * Takes the next typed character; false = more bytes are needed. A byte that is not a character in
 * this locale, a C1 control, and NUL after Ctrl-V become U+DC00 + byte, which is not a character,
 * so that the editor inserts them like any other.
 */
bool terminal_next(struct terminal_keys *keys, wchar_t *ret);

/* The n characters of a line as the bytes that were typed: at most n * MB_LEN_MAX. Returns how
 * many. */
size_t terminal_bytes(const wchar_t *line, size_t n, char *ret);

/* Received bytes that may be the beginning of a character, or of CR LF. */
struct terminal_screen {
    unsigned char held[4];
    size_t n;
};

/* Writes received bytes, escaped for a terminal (text_escape) except for line feeds and tabs; CR LF
 * becomes a line feed. Bytes that are held are written by the next call; n = 0 writes them all. */
void terminal_show(struct terminal_screen *screen, const unsigned char *data, size_t n, FILE *out);

#endif
