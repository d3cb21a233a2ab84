/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the lines of a prompt over datagrams: which replies come, late, more than once,
 * changed or never; told as it happens, and judged at the end.
 *
 * Ownership: of prompt_datagram.c.   Threads: one.
 */
#ifndef TLSECHO_PROMPT_LINES_H
#define TLSECHO_PROMPT_LINES_H

#include "prompt_internal.h"
#include "tlsecho/client/datagram_lines.h"
#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/output_lines.h"

enum { PROMPT_LINES_TEXT_BYTES = 48 }; /* of a line in a message */

struct prompt_lines {
    struct target target;
    struct session session;
    struct datagram_link link;
    struct datagram_lines sent;
    struct output_lines totals;
    uint64_t unsent_seq;    /* it waits for room in the socket; 0 = none does */
    uint64_t lost_after_us; /* UINT64_MAX = never */
    bool answered;          /* something came from the present address */
    struct outcome last;    /* the last failure */
    struct outcome wrong;   /* the first wrong reply; RESULT_OK = none */
    struct outcome ended;   /* how a DTLS session ended the prompt; RESULT_OK = it did not */
};

/* What a prompt carries; its lines, by number. */
struct prompt_lines *prompt_lines_of(const struct prompt *p);
struct ledger *prompt_lines_ledger(const struct prompt *p);

/* Whether replies are compared with lines. */
bool prompt_lines_are_compared(const struct prompt *p);

/* A line for a message, without its line feed. Returns ret. */
const char *prompt_lines_text(const struct prompt *p, uint64_t seq,
                              char ret[PROMPT_LINES_TEXT_BYTES]);

/* Above the line that is being edited. */
void prompt_lines_notice(struct prompt *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Keeps the line, so that its reply is known. False: there is no memory, and the prompt is over. */
bool prompt_lines_keep(struct prompt *p, const char *line, size_t n);

/* A datagram came. */
void prompt_lines_take(struct prompt *p, const struct datagram *item);

/* Line seq is lost because of `last`; nothing if it is not on its way. */
void prompt_lines_lose(struct prompt *p, uint64_t seq);

/* When the oldest line on its way is lost; UINT64_MAX = never. Loses those whose time has passed.
 */
uint64_t prompt_lines_loss_us(const struct prompt *p);
void prompt_lines_lose_old(struct prompt *p);

/* At the end of the input: each line has had its time. */
void prompt_lines_lose_all(struct prompt *p);

/* Wrong bytes take precedence over any other failure. */
void prompt_lines_judge(const struct prompt *p, struct outcome *ret);

#endif
