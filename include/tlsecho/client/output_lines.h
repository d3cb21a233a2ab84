/* SPDX-License-Identifier: MIT */
/*
 * The result of a prompt over datagrams.
 *
 * Ownership: nothing is kept.   Threads: one.
 */
#ifndef TLSECHO_OUTPUT_LINES_H
#define TLSECHO_OUTPUT_LINES_H

#include "tlsecho/client/ledger.h"
#include "tlsecho/client/options.h"
#include "tlsecho/client/session.h"

struct output_lines {
    const struct ledger *ledger; /* of the lines */
    bool compared;               /* with replies; otherwise the ledger knows only what was sent */
    uint64_t received;           /* datagrams */
    uint64_t bytes_sent, bytes_received;
};

void output_lines(const struct options *options, const struct session *session,
                  const struct output_lines *lines, const struct outcome *outcome);

#endif
