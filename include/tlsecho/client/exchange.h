/* SPDX-License-Identifier: MIT */
/*
 * What goes to the server and comes back over one session: counted, timed and compared. It neither
 * waits nor knows where the bytes come from; both directions go on independently of each other.
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
#include "tlsecho/client/result.h"
#include "tlsecho/net/transport.h"

enum { EXCHANGE_BUFFER_BYTES = 64 << 10, EXCHANGE_FIRST_BYTES = 24 };

/* The state of the exchange with the server. */
enum exchange_state {
    EXCHANGE_OPEN,
    EXCHANGE_ENDED,  /* it ended as it should: close_notify, or FIN on plain TCP */
    EXCHANGE_CUT,    /* FIN without close_notify, or RST */
    EXCHANGE_BROKEN, /* the transport failed, or our own memory did */
    EXCHANGE_WRONG,  /* what came back is not what was expected */
};

struct exchange {
    struct transport *transport;
    struct expect expect;
    struct buf out, in; /* to be sent; received and not yet taken by the caller */
    bool flushing;      /* the transport took bytes that it has not handed on */
    bool ending, ended; /* our direction: to be ended once `out` is sent; done with */
    enum exchange_state state;
    enum expect_verdict verdict;
    struct error error; /* of EXCHANGE_BROKEN, and of the sending direction */
    bool send_failed;
    bool reset;    /* RST, noticed by either direction */
    bool given_up; /* not by an RST, but since the kernel gave up: error says why */
    unsigned char first[EXCHANGE_FIRST_BYTES]; /* of what came back */
    uint64_t sent_bytes, received_bytes;
    uint64_t first_sent_us;    /* clock_now_us, before the first write; 0 = not yet */
    uint64_t first_echo_us;    /* clock_now_us; 0 = not yet */
    uint64_t last_activity_us; /* when anything moved last, either way */
    uint64_t sent_us;          /* when bytes were last handed to the kernel */
    uint64_t reset_after_us;   /* from then until the RST; UINT64_MAX = none came */
};

/* ERROR_SYSTEM (memory). */
int exchange_init(struct exchange *x, struct transport *t, enum expect_kind kind,
                  struct error *err);
void exchange_done(struct exchange *x);

/* How many bytes may be put into `out` now, at x->out.data: 0 while earlier ones wait there. */
size_t exchange_room(const struct exchange *x);

/* Sends what `out` holds, and ends our direction after it if x->ending. Returns what to wait for
 * before the next call: a set of enum want. A failure is kept, and reading goes on: the server may
 * have said why. */
unsigned exchange_send(struct exchange *x);

/* Receives into `in` and compares, unless earlier bytes still wait there. Returns what to wait for
 * before the next call; WANT_NOTHING: take what is in `in` and call again, or the server is gone.
 */
unsigned exchange_receive(struct exchange *x);

/* The result, with its error. input_left: not all of the input was given to the exchange. */
void exchange_judge(const struct exchange *x, bool input_left, struct outcome *ret);

/* What exchange_judge said may be since what answers is no echo server, or none that --expect
 * names: nothing of ours has come back. NULL: it is not about that. */
const char *exchange_remedy(const struct exchange *x, const struct outcome *outcome);

/* When it will have been silent for idle_us (0 = for ever): a due_us of clock_poll_ms. */
uint64_t exchange_due_us(const struct exchange *x, uint64_t idle_us);

/* Ends it because nothing has moved for so long, or since it is not over after so long. */
void exchange_expire(struct exchange *x, uint64_t limit_us);

#endif
