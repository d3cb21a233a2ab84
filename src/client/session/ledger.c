/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/ledger.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SIZE = 16 };

enum state { WAITING, OVERDUE, ANSWERED, LOST };

struct ledger_entry {
    uint64_t sent_ns;
    enum state state;
    bool first;
};

int ledger_init(struct ledger *l, uint64_t timeout_ns, size_t max, struct error *err)
{
    size_t size = max < FIRST_SIZE ? max : FIRST_SIZE;
    assert(max > 0 && (max & (max - 1)) == 0);
    *l = (struct ledger){.timeout_ns = timeout_ns,
                         .ring = calloc(size, sizeof *l->ring),
                         .size = size,
                         .max = max,
                         .oldest_seq = 1,
                         .expiry_seq = 1,
                         .next_expected = 1};
    return l->ring ? 0 : error_sys(err, "memory for probes");
}

void ledger_done(struct ledger *l)
{
    free(l->ring);
    *l = (struct ledger){0};
}

/* The number of the oldest that is remembered. */
static uint64_t first_seq(const struct ledger *l)
{
    return l->sent - l->count + 1;
}

static struct ledger_entry *at(const struct ledger *l, uint64_t seq)
{
    return &l->ring[seq & (l->size - 1)];
}

static bool is_remembered(const struct ledger *l, uint64_t seq)
{
    return seq >= first_seq(l) && seq <= l->sent;
}

bool ledger_is_on_way(const struct ledger *l, uint64_t seq)
{
    if (!is_remembered(l, seq))
        return false;
    enum state state = at(l, seq)->state;
    return state == WAITING || state == OVERDUE;
}

static void describe(const struct ledger *l, uint64_t seq, struct probe *ret)
{
    const struct ledger_entry *entry = at(l, seq);
    *ret = (struct probe){.seq = seq,
                          .sent_ns = entry->sent_ns,
                          .overdue = entry->state == OVERDUE,
                          .first = entry->first};
}

/* Moves both marks past what is no longer on its way. */
static void advance(struct ledger *l)
{
    while (l->oldest_seq <= l->sent && !ledger_is_on_way(l, l->oldest_seq))
        l->oldest_seq++;
    if (l->expiry_seq < l->oldest_seq)
        l->expiry_seq = l->oldest_seq;
    while (l->expiry_seq <= l->sent && at(l, l->expiry_seq)->state != WAITING)
        l->expiry_seq++;
}

static int grow(struct ledger *l, struct error *err)
{
    struct ledger_entry *ring = calloc(2 * l->size, sizeof *ring);
    if (!ring)
        return error_sys(err, "memory for %zu probes", 2 * l->size);
    for (uint64_t seq = first_seq(l); seq <= l->sent; seq++)
        ring[seq & (2 * l->size - 1)] = *at(l, seq);
    free(l->ring);
    l->ring = ring;
    l->size *= 2;
    return 0;
}

bool ledger_is_full(const struct ledger *l)
{
    return l->count == l->max && ledger_is_on_way(l, first_seq(l));
}

/* The next number; the oldest is forgotten where there is no room for both. */
static void append(struct ledger *l, const struct ledger_entry *entry)
{
    assert(l->count < l->size || !ledger_is_on_way(l, first_seq(l)));
    l->sent++;
    l->count += l->count < l->size;
    *at(l, l->sent) = *entry;
}

int ledger_send(struct ledger *l, bool first, uint64_t now_ns, struct error *err)
{
    bool full = l->count == l->size;
    if (full && l->size < l->max && grow(l, err) < 0 && ledger_is_on_way(l, first_seq(l)))
        return -1; /* else the oldest can be forgotten */
    append(l, &(struct ledger_entry){.sent_ns = now_ns, .state = WAITING, .first = first});
    l->on_way++;
    return 0;
}

uint64_t ledger_fail(struct ledger *l)
{
    append(l, &(struct ledger_entry){.state = LOST});
    l->lost++;
    advance(l);
    return l->sent;
}

static void take_off_way(struct ledger *l, uint64_t seq, enum state state)
{
    struct ledger_entry *entry = at(l, seq);
    l->on_way--;
    l->overdue -= entry->state == OVERDUE;
    entry->state = state;
    advance(l);
}

bool ledger_sent_ns(const struct ledger *l, uint64_t seq, uint64_t *ret)
{
    if (!is_remembered(l, seq))
        return false;
    *ret = at(l, seq)->sent_ns;
    return true;
}

enum ledger_reply ledger_receive(struct ledger *l, uint64_t seq, uint64_t now_ns, struct probe *ret)
{
    if (!is_remembered(l, seq) || at(l, seq)->state == LOST)
        return LEDGER_UNKNOWN;
    if (at(l, seq)->state == ANSWERED) {
        l->duplicated++;
        return LEDGER_DUPLICATE;
    }
    describe(l, seq, ret);
    ret->time_ns = now_ns > ret->sent_ns ? now_ns - ret->sent_ns : 0;
    ret->overdue = ret->time_ns > l->timeout_ns;
    take_off_way(l, seq, ANSWERED);
    l->received++;
    l->late += ret->overdue;
    ret->reordered = seq < l->next_expected;
    l->reordered += ret->reordered;
    if (!ret->reordered)
        l->next_expected = seq + 1;
    jitter_add(&l->jitter, (int64_t)ret->time_ns);
    return LEDGER_ANSWERED;
}

bool ledger_expire(struct ledger *l, uint64_t now_ns, struct probe *ret)
{
    uint64_t seq = l->expiry_seq;
    if (seq > l->sent || l->timeout_ns == UINT64_MAX || now_ns <= at(l, seq)->sent_ns ||
        now_ns - at(l, seq)->sent_ns <= l->timeout_ns)
        return false;
    at(l, seq)->state = OVERDUE;
    l->overdue++;
    describe(l, seq, ret);
    advance(l);
    return true;
}

uint64_t ledger_due_ns(const struct ledger *l)
{
    bool waits = l->expiry_seq <= l->sent && l->timeout_ns != UINT64_MAX;
    return waits ? at(l, l->expiry_seq)->sent_ns + l->timeout_ns + 1 : UINT64_MAX;
}

bool ledger_oldest(const struct ledger *l, struct probe *ret)
{
    if (l->oldest_seq > l->sent)
        return false;
    describe(l, l->oldest_seq, ret);
    return true;
}

bool ledger_lose_one(struct ledger *l, uint64_t seq, struct probe *ret)
{
    if (!ledger_is_on_way(l, seq))
        return false;
    describe(l, seq, ret);
    take_off_way(l, seq, LOST);
    l->lost++;
    return true;
}

bool ledger_lose(struct ledger *l, bool all, struct probe *ret)
{
    struct probe oldest;
    if (!ledger_oldest(l, &oldest) || !(all || oldest.overdue))
        return false;
    return ledger_lose_one(l, oldest.seq, ret);
}
