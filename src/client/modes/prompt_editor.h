/* SPDX-License-Identifier: MIT */
/*
 * The line editor of the prompt: it reads a line with editing and history, and shows what comes
 * meanwhile above that line. It does not know where lines go.
 *
 * Ownership: an editor owns what libedit allocates.   Threads: one.
 */
#ifndef TLSECHO_PROMPT_EDITOR_H
#define TLSECHO_PROMPT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/terminal.h"

struct editline; /* histedit.h */
struct historyW;

struct prompt_editor {
    /* Waits for a key, while it does whatever else there is to do; false: there will be none. Set
     * both before prompt_editor_open. */
    bool (*await_key)(void *owner);
    void *owner;

    struct editline *editline;
    struct historyW *history;
    FILE *display;    /* shows the prompt */
    bool editing;     /* a line is being edited on display */
    bool ended;       /* await_key has returned false */
    int read_errno;   /* of standard input; 0: none */
    bool ahead;       /* what is read was typed before the line was edited */
    bool to_terminal; /* standard output is a terminal, and gets no control characters of the server
                       */
    struct terminal_keys keys;
    struct terminal_screen screen;
};

/* ERROR_SYSTEM. */
int prompt_editor_open(struct prompt_editor *e, struct error *err);
void prompt_editor_close(struct prompt_editor *e);

enum prompt_line { PROMPT_LINE, PROMPT_EMPTY_LINE, PROMPT_END };

/* Reads a line: *ret, which the caller frees, has its bytes as they were typed, its line feed
 * included. Returns an enum prompt_line, or -1: ERROR_SYSTEM. */
int prompt_editor_read(struct prompt_editor *e, char **ret, size_t *ret_n, struct error *err);

/*
 * Writes received bytes to standard output, above the line if one is being edited. The first
 * typed_bytes of them are what the user has typed; on a terminal the others are escaped.
 * ERROR_SYSTEM.
 */
int prompt_editor_show(struct prompt_editor *e, const unsigned char *data, size_t n,
                       size_t typed_bytes, struct error *err);

/* output_notice, above the line if one is being edited. */
void prompt_editor_notice(struct prompt_editor *e, const struct options *options, const char *text);

#endif
