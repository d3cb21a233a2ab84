/* SPDX-License-Identifier: MIT */
/*
 * Services of every kind, whose output is known at each place of its stream; what they have done is
 * in explored_talk.
 *
 * Ownership: static.   Threads: one.
 */
#ifndef TLSECHO_EXPLORED_SERVICE_H
#define TLSECHO_EXPLORED_SERVICE_H

#include "tlsecho/server/service.h"

enum {
    EXPLORED_LINE_BYTES = 9,      /* more than a buffer of 8 */
    EXPLORED_REQUESTS_PERIOD = 8, /* the bytes of requests repeat */
};

struct explored_service {
    struct service service;
    unsigned char (*sent_by_peer)(uint64_t position);
    unsigned char (*expected)(uint64_t position); /* what has to be written */
};

/* There is one at a time. */
struct service_talk {
    enum service_next next;
    unsigned letters, answer;
    enum conn_end end;
    uint64_t taken;     /* bytes of input */
    uint64_t generated; /* bytes of output, by any service */
    bool out_of_order;  /* input came twice, or not at all */
    bool answers;       /* a part of an answer was written since this was set to false */
};

extern struct service_talk explored_talk;

extern const struct explored_service explored_answers; /* each byte in upper case; messages too */
extern const struct explored_service explored_echoes;  /* each byte; it may be spliced */
extern const struct explored_service explored_drops;
extern const struct explored_service explored_generates;        /* without end */
extern const struct explored_service explored_line;             /* a line, then it ends */
extern const struct explored_service explored_line_and_answers; /* a line, then as `answers` */
extern const struct explored_service explored_converses; /* requests without and with a body */

#endif
