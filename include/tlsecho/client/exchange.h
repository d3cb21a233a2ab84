/* SPDX-License-Identifier: MIT */
/*
 * Sends bytes over one session, receives what comes back, and counts, times and compares it. A
 * hello line (EXPECT_HELLO) is kept apart, and not counted. It does not wait, and does not know
 * where the bytes come from. The directions are independent.
 *
 * Ownership: owns its buffers; the transport stays the caller's.   Threads: one at a time.
 */
#ifndef TLSECHO_EXCHANGE_H
#define TLSECHO_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/buf.h"
#include "tlsecho/base/want.h"
#include "tlsecho/client/expect.h"
#include "tlsecho/client/hello_line.h"
#include "tlsecho/client/result.h"
#include "tlsecho/net/transport.h"

enum { EXCHANGE_BUFFER_BYTES = 64 << 10, EXCHANGE_FIRST_BYTES = 24 };

/* The state of the exchange with the server. */
enum exchange_state {
    EXCHANGE_OPEN,
    EXCHANGE_ENDED,  /* the server ended in order: close_notify, or FIN on plain TCP */
    EXCHANGE_CUT,    /* FIN without close_notify, or RST */
    EXCHANGE_BROKEN, /* the transport failed, or memory ran out */
    EXCHANGE_WRONG,  /* what came back is not what was expected */
};

struct exchange {
    struct transport *transport;
    struct expect expect;
    struct buf out, in; /* to be sent; received, for the caller to take, without the hello line */
    struct hello_line hello; /* complete where none is expected */
    char *hello_text;        /* what has come of it; NULL where none is expected */
    bool flushing;           /* the transport has bytes that it has not sent */
    bool ending, ended;      /* our direction: ends once `out` is sent; has ended */
    enum exchange_state state;
    enum expect_verdict verdict;
    struct error error; /* of EXCHANGE_BROKEN, and of the sending direction */
    bool send_failed;
    bool reset;                                /* RST, noticed by either direction */
    bool given_up;                             /* by the kernel, without an RST: error says why */
    unsigned char first[EXCHANGE_FIRST_BYTES]; /* of what came back */
    uint64_t sent_bytes, received_bytes;
    uint64_t first_sent_us;    /* clock_now_us, before the first write; 0 = not yet */
    uint64_t first_echo_us;    /* clock_now_us; 0 = not yet */
    uint64_t last_activity_us; /* the last data in either direction */
    uint64_t sent_us;          /* when bytes were last handed to the kernel */
    uint64_t reset_after_us;   /* from then until the RST; UINT64_MAX = none came */
};

/* ERROR_SYSTEM (memory). */
int exchange_init(struct exchange *x, struct transport *t, enum expect_kind kind,
                  struct error *err);
void exchange_done(struct exchange *x);

/* How many bytes fit into `out`, at x->out.data: 0 while it holds earlier ones. */
size_t exchange_room(const struct exchange *x);

/* Sends what `out` holds, and then ends our direction if x->ending. Returns what to wait for before
 * the next call: a set of enum want. After a failure reading continues, because the server may have
 * sent the reason. */
unsigned exchange_send(struct exchange *x);

/* Receives into `in` and compares, unless `in` holds earlier bytes. Returns what to wait for before
 * the next call; WANT_NOTHING: take the bytes from `in` and call again, or the exchange is over. */
unsigned exchange_receive(struct exchange *x);

/* The result, with its error. input_left: not all of the input was put into `out`. */
void exchange_judge(const struct exchange *x, bool input_left, struct outcome *ret);

/* The remedy if none of our bytes came back, so that the server may not be an echo server, or
 * another one than --expect says. NULL: none. */
const char *exchange_remedy(const struct exchange *x, const struct outcome *outcome);

/* The end of idle_us (0 = never) since the last data: a due_us of clock_poll_ms. */
uint64_t exchange_due_us(const struct exchange *x, uint64_t idle_us);

/* Ends it because there was no data for limit_us, or because it took longer than that. */
void exchange_expire(struct exchange *x, uint64_t limit_us);

#endif
