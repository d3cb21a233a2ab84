/* SPDX-License-Identifier: MIT */
/*
 * A ping between its two files: mode_ping.c has the probes and the time, ping_conn.c the connection
 * and what it costs to lose it.
 *
 * Ownership: the struct is mode_ping's, and with it all that is in it.   Threads: one.
 */
#ifndef TLSECHO_PING_INTERNAL_H
#define TLSECHO_PING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/exchange.h"
#include "tlsecho/client/output_ping.h"

struct ping {
    const struct options *options;
    struct target target;
    struct session session;
    struct exchange exchange; /* only while connected */
    bool connected;
    bool tried; /* a connection was, whatever became of it */
    struct ping_totals totals;
    uint64_t filled_bytes, wanted_bytes; /* of the connection's stream: in the exchange; begun */
    uint64_t due_us;                     /* of the next probe */
    uint64_t end_us;                     /* of it all; UINT64_MAX = never */
    uint64_t heard_us;                   /* when something last came back */
    unsigned want;                       /* of the transport */
    bool runnable;                       /* there is more to do at once */
    int interim_fd;                      /* of interrupt_open_interim */
    bool over;
    struct outcome last;  /* what was last wrong */
    struct outcome wrong; /* the first byte that was; RESULT_OK = none */
};

/* The probes of -c are sent. */
bool ping_all_sent(const struct ping *p);

/* Probes are late or lost because of `last`. */
void ping_blame(struct ping *p, uint64_t count);

/* Since the start of the run. */
uint64_t ping_elapsed_us(const struct ping *p, uint64_t at_us);

/* Nothing comes back for those on their way any more, or, without `all`, for those whose time is
 * over: they are lost because of `last`, which is told. Returns how many. */
size_t ping_lose(struct ping *p, bool all);

/* A new connection. False: the next probe is lost, and without --reconnect it is over. */
bool ping_connect_again(struct ping *p);

/* Keeps what the kernel and the exchange know; nothing if not connected. */
void ping_disconnect(struct ping *p);

/* The connection is of no more use, because of `last`: its probes are lost. */
void ping_give_up(struct ping *p);

#endif
