/* SPDX-License-Identifier: MIT */
/*
 * Messages on connections of their own, several at once, and how far each came: a message that
 * stands still is told from one that is slow, and the way there from the way back, by what TCP_INFO
 * says was acknowledged.
 *
 * Ownership: a try owns its connection while size_tries_run runs.   Threads: one.
 */
#ifndef TLSECHO_SIZE_TRY_H
#define TLSECHO_SIZE_TRY_H

#include "size_server.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/net/tcp_stats.h"

enum { SIZE_TRIES_MAX = 8 }; /* at once */

enum size_fate {
    SIZE_PENDING,
    SIZE_PASSED,
    SIZE_STALLED_THERE, /* what was sent is sent again and never acknowledged */
    SIZE_STALLED_BACK,  /* all was acknowledged, and no more comes back */
    SIZE_RESET,
    SIZE_FAILED,      /* any other error, or an early end */
    SIZE_UNCONNECTED, /* no TCP connection */
};
enum { SIZE_FATES = SIZE_UNCONNECTED + 1 };

struct size_try {
    /* in */
    size_t message_bytes;   /* to send, and to have back; of a chargen: to receive */
    unsigned segment_bytes; /* TCP_MAXSEG; 0 = as it comes */

    /* out */
    enum size_fate fate;
    bool slow;              /* it passed as far as it came: it moved all the time, and took long */
    bool in_handshake;      /* of TLS, where it stalled */
    uint64_t took_us;       /* from the connection to the end */
    struct tcp_stats stats; /* when it was over */
    struct error error;     /* of SIZE_FAILED, SIZE_UNCONNECTED */
    enum result result;     /* of SIZE_FAILED, once the session was up */

    /* own */
    int state, fd, dials;
    struct transport *transport;
    struct exchange exchange;
    uint64_t begun_us, moved_us, moved_bytes;
    unsigned want;
};

/* What tries at one time share. */
struct size_round {
    struct path *path;
    struct size_server *server;
    uint64_t stall_us; /* without progress */
};

/* Blocks until each has its fate; count: at most SIZE_TRIES_MAX. stall_us: how long nothing may
 * move. -1: interrupted, or ERROR_SYSTEM. */
int size_tries_run(const struct size_round *round, struct size_try *tries, size_t count,
                   struct error *err);

#endif
