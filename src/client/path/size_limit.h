/* SPDX-License-Identifier: MIT */
/*
 * The largest IP packet that passes in a direction, to the byte, by TCP_MAXSEG: neither end sends
 * larger segments than it says.
 *
 * Ownership: values.   Threads: one.
 */
#ifndef TLSECHO_SIZE_LIMIT_H
#define TLSECHO_SIZE_LIMIT_H

#include "size_case.h"

struct size_limit {
    bool small_passes; /* in the smallest segments: else it is not about the size of packets */
    bool found;        /* else the same packets passed at times and at times not */
    enum path_way way;
    struct size_case largest, smallest; /* that passes, that does not; one byte apart */
    struct size_score passing, failing, control;
};

/* offered_bytes: the TCP_MAXSEG with which the message does not pass. The steps are recorded.
 * Errors as of size_cases_try. */
int size_limit_find(struct path *p, struct size_server *server, size_t message_bytes,
                    unsigned offered_bytes, struct size_limit *ret, struct error *err);

#endif
