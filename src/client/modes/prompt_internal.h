/* SPDX-License-Identifier: MIT */
/*
 * The prompt between its files: mode_prompt.c reads lines, and waits; prompt_stream.c and
 * prompt_datagram.c each carry them to the server, and bring back the replies.
 *
 * Ownership: a prompt is mode_prompt's; what carries lines belongs to its carrier. Threads: one.
 */
#ifndef TLSECHO_PROMPT_INTERNAL_H
#define TLSECHO_PROMPT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "prompt_editor.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/result.h"

struct prompt;

struct prompt_carrier {
    /* Sends and receives what is possible now, and shows what came. Sets p->fd and p->want and, if
     * no further line can be sent, p->over. */
    void (*move)(struct prompt *p);

    /* When `expire` has something to do while a line is being typed; UINT64_MAX = never. */
    uint64_t (*due_us)(const struct prompt *p);

    /* A time passed: ends what has taken too long, if anything has. */
    void (*expire)(struct prompt *p);

    /* A line was typed, of n > 0 bytes: sends it, and waits for its reply as long as that makes
     * sense before the next line. */
    void (*send)(struct prompt *p, const char *line, size_t n);

    /* No further line comes. */
    void (*end)(struct prompt *p);
};

struct prompt {
    const struct options *options;
    const struct prompt_carrier *carrier;
    void *carried; /* the carrier's own */
    struct prompt_editor editor;
    int fd; /* what the carrier waits on, and for what */
    unsigned want;
    bool over; /* no more lines are read: by the carrier, Ctrl-C, or a failure */
    bool interrupted;
    bool failed; /* standard input or output; error says why */
    struct error error;
};

enum { PROMPT_PATIENCE_US = 1500000 }; /* so long the next line waits for a reply */

/* Reads lines until the input or the carrier ends. */
void prompt_run(struct prompt *p);

/* Waits for the carrier, Ctrl-C and, if `typing`, the keyboard, until until_us. Returns whether
 * there is a key to read. */
bool prompt_wait(struct prompt *p, bool typing, uint64_t until_us);

/* Shows what was received, as prompt_editor_show; a failure ends the prompt. */
void prompt_show(struct prompt *p, const unsigned char *data, size_t n, size_t typed_bytes);

/* Over a stream, and over datagrams. */
void prompt_stream(const struct options *options, struct outcome *ret);
void prompt_datagram(const struct options *options, struct outcome *ret);

#endif
