/* SPDX-License-Identifier: MIT */
/*
 * Lines that were sent as a datagram each, and what became of them (ledger.h). Lines have no room
 * for a number, so their bytes alone tell which line a reply answers: equal lines are answered in
 * the order in which they were sent. The last lines are remembered.
 *
 * Ownership: owns a copy of each line.   Threads: one at a time.
 */
#ifndef TLSECHO_DATAGRAM_LINES_H
#define TLSECHO_DATAGRAM_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/expect_kind.h"
#include "tlsecho/client/ledger.h"

enum { DATAGRAM_LINES_MAX = 64 }; /* that are remembered */

struct datagram_line {
    unsigned char *data;
    size_t bytes;
};

struct datagram_lines {
    enum expect_kind expect; /* EXPECT_ECHO or EXPECT_UPPER */
    struct ledger ledger;
    struct datagram_line lines[DATAGRAM_LINES_MAX];
};

enum datagram_line_reply {
    DATAGRAM_LINE_ANSWERED,  /* the first reply to a line */
    DATAGRAM_LINE_DUPLICATE, /* another one */
    DATAGRAM_LINE_TOO_LATE,  /* the first one, to a line that was counted as lost */
    DATAGRAM_LINE_UNKNOWN,   /* to none of the lines */
};

/* late_ns: as timeout_ns of a ledger. ERROR_SYSTEM (memory). */
int datagram_lines_init(struct datagram_lines *l, uint64_t late_ns, enum expect_kind expect,
                        struct error *err);
void datagram_lines_done(struct datagram_lines *l);

/* A line of n bytes is sent; its number is l->ledger.sent from now on. Not while the ledger is
 * full. ERROR_SYSTEM (memory). */
int datagram_lines_send(struct datagram_lines *l, const void *data, size_t n, uint64_t now_ns,
                        struct error *err);

/* A datagram was received. *ret is the line that it answers unless that is unknown: its number and,
 * if it was answered now, the rest. */
enum datagram_line_reply datagram_lines_receive(struct datagram_lines *l, const void *data,
                                                size_t n, uint64_t now_ns, struct probe *ret);

/* Line seq as it was sent; NULL if it is forgotten. */
const struct datagram_line *datagram_lines_find(const struct datagram_lines *l, uint64_t seq);

#endif
