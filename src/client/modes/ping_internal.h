/* SPDX-License-Identifier: MIT */
/*
 * A ping between its files: mode_ping.c has the schedule, the loop and the result, ping_conn.c what
 * it costs to have no connection, and ping_stream.c and ping_datagram.c each carry the probes.
 *
 * Ownership: the struct is mode_ping's, and with it all that is in it.   Threads: one.
 */
#ifndef TLSECHO_PING_INTERNAL_H
#define TLSECHO_PING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/client/datagram_link.h"
#include "tlsecho/client/datagram_payload.h"
#include "tlsecho/client/diagnosis.h"
#include "tlsecho/client/exchange.h"
#include "tlsecho/client/output_ping.h"

struct ping;

/* What carries the probes to the server, and the replies back. */
struct ping_carrier {
    bool in_order; /* a reply holds up those that follow it */

    /* Opens p->session, and sets p->fd. On failure p->session.phase says where, and err why. */
    int (*open)(struct ping *p, struct error *err);

    /* The probe that the ledger has just counted is to be sent. */
    void (*send)(struct ping *p);

    /* Sends and receives what can be now, hands replies to ping_take_reply, and sets p->want,
     * p->runnable and, if anything came back, p->heard_us. */
    void (*move)(struct ping *p);

    /* "; " and why nothing comes back, as far as the kernel knows it, or "". */
    const char *(*diagnose)(const struct ping *p, char ret[DIAGNOSIS_TEXT_BYTES]);

    /* Adds what it knows to the totals, and closes. */
    void (*close)(struct ping *p);
};

extern const struct ping_carrier ping_stream, ping_datagram;

/* Of ping_stream: the stream of the present connection. */
struct ping_stream {
    struct exchange exchange;
    uint64_t filled_bytes, wanted_bytes; /* in the exchange; of the probes begun */
    uint64_t first_seq, replies;         /* its first probe; how many replies were whole */
};

/* Of ping_datagram. */
struct ping_datagram {
    struct datagram_link link;
    struct datagram_payload payload; /* with --expect stamp, its size alone */
    struct stamp_flow flow;
    uint16_t ssid; /* of this run and address: another one is another session, RFC 8972 §3 */
    int64_t wall_offset_ns; /* from clock_now_ns to the time since 1970 */
    uint64_t unsent_seq;    /* it waits for room in the socket; 0 = none does */
    bool answered;          /* something came from the present address */
    bool ended;             /* the DTLS session, as ping.last says */
};

struct ping {
    const struct options *options;
    const struct ping_carrier *carrier;
    struct target target;
    struct session session;
    struct ping_stream stream;
    struct ping_datagram datagram;
    bool connected;
    bool tried; /* at least one attempt to connect was made */
    struct ping_totals totals;
    uint64_t due_us;      /* of the next probe */
    uint64_t end_us;      /* of the run; UINT64_MAX = never */
    uint64_t complete_us; /* when it ends by itself; UINT64_MAX = not known yet */
    uint64_t heard_us;    /* when something last came back, or the only probe on its way was sent */
    int fd;               /* while connected */
    unsigned want;        /* of that */
    bool runnable;        /* there is more to do without waiting */
    int interim_fd;       /* of interrupt_open_interim */
    bool over;
    struct outcome last;  /* the last failure */
    struct outcome wrong; /* the first wrong byte; RESULT_OK = none */
};

/* All probes of -c have been sent. */
bool ping_all_sent(const struct ping *p);

/* A reply to probe seq was received: it is counted and told. */
enum ledger_reply ping_take_reply(struct ping *p, uint64_t seq, uint64_t now_us);

/* Something else came back, as `last` says. */
void ping_take_wrong(struct ping *p);

/* Probe seq is lost because of `last`, which is told; nothing if it is not on its way. */
void ping_lose_one(struct ping *p, uint64_t seq);

/* Counts probes as late or lost because of `last`. */
void ping_blame(struct ping *p, uint64_t count);

/* Since the start of the run. */
uint64_t ping_elapsed_us(const struct ping *p, uint64_t at_us);

/* Overdue probes are lost, each run of them for want of its own replies; `last` is of the latest.
 */
void ping_lose_overdue(struct ping *p);

/* Opens a new connection. False: the next probe is lost, and without --reconnect the run ends. */
bool ping_connect_again(struct ping *p);

/* Keeps what the carrier knows; nothing if not connected. */
void ping_disconnect(struct ping *p);

/* Gives the connection up because of `last`: its probes are lost. */
void ping_give_up(struct ping *p);

#endif
