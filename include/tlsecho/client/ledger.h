/* SPDX-License-Identifier: MIT */
/*
 * A ledger of numbered probes: which are on their way, and what became of the others. Replies may
 * come in any order, more than once, or never. It remembers the last probes only, at most a given
 * number of them, so that its memory is bounded however long a run lasts.
 *
 * A reply is late if it came after the time-out, and lost if it never came. A reply to a probe that
 * was answered before is a duplicate. A reply is reordered if one to a later probe came before it
 * (RFC 4737 §3.3, Type-P-Reordered: its number is below the next expected one); a duplicate never
 * is. Times are those of clock_now_ns.
 *
 * Ownership: a ledger owns its memory.   Threads: one at a time.
 */
#ifndef TLSECHO_LEDGER_H
#define TLSECHO_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/client/jitter.h"

enum { LEDGER_MAX = 1 << 16 }; /* as many as a ping remembers */

struct probe {
    uint64_t seq; /* 1, 2, ... */
    uint64_t sent_ns;
    bool overdue;     /* its time-out has passed */
    bool first;       /* of its connection */
    bool reordered;   /* its reply came after that to a later one */
    uint64_t time_ns; /* from sent to received; of replies */
};

struct ledger_entry;

struct ledger {
    uint64_t timeout_ns;       /* UINT64_MAX = none */
    struct ledger_entry *ring; /* the last `count` probes, of `size`, a power of two */
    size_t size, count, max;
    uint64_t oldest_seq; /* no earlier one is on its way */
    uint64_t expiry_seq; /* no earlier one is on its way and not overdue */
    size_t on_way;       /* neither answered nor lost */
    size_t overdue;      /* those of them whose time-out has passed */
    uint64_t sent, received;
    uint64_t late, lost; /* received includes late */
    uint64_t duplicated, reordered;
    uint64_t next_expected; /* NextExp of RFC 4737 */
    struct jitter jitter;   /* of the round trips, late ones included */
};

/* max: how many it remembers, a power of two. ERROR_SYSTEM (memory). */
int ledger_init(struct ledger *l, uint64_t timeout_ns, size_t max, struct error *err);
void ledger_done(struct ledger *l);

/* Whether the oldest probe would have to be lost before another can be sent: it is on its way, and
 * `max` are remembered. */
bool ledger_is_full(const struct ledger *l);

/* The next probe, number l->sent + 1, is sent; not while the ledger is full. first: of its
 * connection. ERROR_SYSTEM: there is no memory for another while the oldest is on its way. */
int ledger_send(struct ledger *l, bool first, uint64_t now_ns, struct error *err);

/* The next probe could not be sent: it is lost. Only while none is on its way. Returns its number.
 */
uint64_t ledger_fail(struct ledger *l);

enum ledger_reply {
    LEDGER_ANSWERED,  /* the first reply to that probe */
    LEDGER_DUPLICATE, /* another one */
    LEDGER_UNKNOWN,   /* it was never sent, was counted as lost, or is forgotten */
};

/* When probe seq was sent. False: it was not, or is forgotten. */
bool ledger_sent_ns(const struct ledger *l, uint64_t seq, uint64_t *ret);

/* A reply to that probe was received; it is counted, unless it is unknown. *ret is the probe if the
 * reply is the first. */
enum ledger_reply ledger_receive(struct ledger *l, uint64_t seq, uint64_t now_ns,
                                 struct probe *ret);

/* True if the time-out of one more probe has passed: *ret, which is still on its way. */
bool ledger_expire(struct ledger *l, uint64_t now_ns, struct probe *ret);

/* When that will be next; UINT64_MAX = never. */
uint64_t ledger_due_ns(const struct ledger *l);

/* Whether that probe is on its way: neither answered nor lost. */
bool ledger_is_on_way(const struct ledger *l, uint64_t seq);

/* The oldest on its way. False: there is none. */
bool ledger_oldest(const struct ledger *l, struct probe *ret);

/* The oldest on its way is lost, if there is one; unless `all`, only if it is overdue. False: there
 * is none such. */
bool ledger_lose(struct ledger *l, bool all, struct probe *ret);

/* That probe is lost. False: it is not on its way. */
bool ledger_lose_one(struct ledger *l, uint64_t seq, struct probe *ret);

#endif
