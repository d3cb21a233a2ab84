/* SPDX-License-Identifier: MIT */
/*
 * ClientHellos sent on connections of their own, several at once, and what became of each: TCP_INFO
 * tells one that was never acknowledged from one that got no answer.
 *
 * Ownership: a ClientHello stays the caller's.   Threads: one.
 */
#ifndef TLSECHO_HELLO_TRY_H
#define TLSECHO_HELLO_TRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path_internal.h"
#include "tlsecho/net/tcp_stats.h"
#include "tlsecho/tls/tls_client_hello.h"

enum { HELLO_TRIES_MAX = 8 }; /* at once: as many connections as a browser makes */

enum hello_fate {
    HELLO_PENDING,
    HELLO_ANSWERED,    /* ServerHello */
    HELLO_ALERT,       /* an answer, too */
    HELLO_LOST,        /* sent again and again, and never acknowledged */
    HELLO_RESET,       /* RST */
    HELLO_ENDED,       /* FIN, and no RST after it */
    HELLO_SILENT,      /* acknowledged, and nothing came back */
    HELLO_NOT_TLS,     /* something else came back */
    HELLO_UNCONNECTED, /* no TCP connection, so that it was not sent at all */
};
enum { HELLO_FATES = HELLO_UNCONNECTED + 1 };

struct hello_try {
    /* in */
    const struct tls_client_hello *hello;
    size_t cut; /* so many bytes are sent first, and the rest a moment after they are acknowledged;
                   0 = none */

    /* out */
    enum hello_fate fate;
    int alert;              /* of HELLO_ALERT */
    bool spoofed;           /* the RST came sooner than the server could have sent it */
    uint64_t took_us;       /* from the last byte sent to the answer */
    uint64_t packet_bytes;  /* of the largest IP packet of it; 0 = unknown */
    uint64_t segment_bytes; /* the most data that a packet of this connection carries */
    struct tcp_stats stats; /* when it was over */
    struct error error;     /* of HELLO_UNCONNECTED, HELLO_NOT_TLS */

    /* own */
    int fd;
    int state, dials;
    size_t sent;
    uint64_t begun_us, sent_us, acked_us, repeated_us, quiet_us, ended_us;
    unsigned char answer[TLS_ANSWER_BYTES];
    size_t answer_n;
};

struct hello_patience {
    uint64_t answer_us; /* for an answer to an acknowledged ClientHello */
    uint64_t ack_us;    /* for an ACK, sent again at least once; UINT64_MAX = sent again twice */
};

/* What tries at one time share. */
struct hello_round {
    struct path *path;
    struct path_peer *peer;
    const struct hello_patience *patience;
};

/* The patience for answers begins when no other of them is being answered: some servers serve one
 * connection at a time. Blocks until each has its fate;
 * count: at most HELLO_TRIES_MAX. -1: interrupted, or ERROR_SYSTEM. */
int hello_tries_run(const struct hello_round *round, struct hello_try *tries, size_t count,
                    struct error *err);

/* Whether TLS answered it. */
bool hello_fate_is_answer(enum hello_fate fate);

/* "never acknowledged", "acknowledged, then silence", ... */
const char *hello_fate_text(enum hello_fate fate);

#endif
