/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/ascii.h"

int datagram_lines_init(struct datagram_lines *l, uint64_t late_ns, enum expect_kind expect,
                        struct error *err)
{
    *l = (struct datagram_lines){.expect = expect};
    return ledger_init(&l->ledger, late_ns, DATAGRAM_LINES_MAX, err);
}

void datagram_lines_done(struct datagram_lines *l)
{
    for (size_t i = 0; i < DATAGRAM_LINES_MAX; i++)
        free(l->lines[i].data);
    ledger_done(&l->ledger);
}

static uint64_t first_seq(const struct datagram_lines *l)
{
    uint64_t sent = l->ledger.sent;
    return sent < DATAGRAM_LINES_MAX ? 1 : sent - DATAGRAM_LINES_MAX + 1;
}

const struct datagram_line *datagram_lines_find(const struct datagram_lines *l, uint64_t seq)
{
    bool kept = seq >= first_seq(l) && seq <= l->ledger.sent;
    return kept ? &l->lines[seq % DATAGRAM_LINES_MAX] : NULL;
}

int datagram_lines_send(struct datagram_lines *l, const void *data, size_t n, uint64_t now_ns,
                        struct error *err)
{
    unsigned char *copy = malloc(n);
    if (!copy)
        return error_sys(err, "memory for a line");
    if (ledger_send(&l->ledger, l->ledger.sent == 0, now_ns, err) < 0) {
        free(copy);
        return -1;
    }
    memcpy(copy, data, n);
    struct datagram_line *line = &l->lines[l->ledger.sent % DATAGRAM_LINES_MAX];
    free(line->data);
    *line = (struct datagram_line){.data = copy, .bytes = n};
    return 0;
}

static unsigned char expected_at(const struct datagram_lines *l, const struct datagram_line *line,
                                 size_t at)
{
    unsigned char byte = line->data[at];
    if (l->expect == EXPECT_UPPER)
        ascii_upper(&byte, 1);
    return byte;
}

static bool is_reply_to(const struct datagram_lines *l, uint64_t seq, const unsigned char *data,
                        size_t n)
{
    const struct datagram_line *line = datagram_lines_find(l, seq);
    assert(line);
    if (line->bytes != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (data[i] != expected_at(l, line, i))
            return false;
    return true;
}

/* The oldest line on its way, or else the newest one, that it is the reply to; 0 = none. */
static uint64_t find(const struct datagram_lines *l, const void *data, size_t n)
{
    uint64_t newest = 0;
    for (uint64_t seq = first_seq(l); seq <= l->ledger.sent; seq++) {
        if (!is_reply_to(l, seq, data, n))
            continue;
        if (ledger_is_on_way(&l->ledger, seq))
            return seq;
        newest = seq;
    }
    return newest;
}

enum datagram_line_reply datagram_lines_receive(struct datagram_lines *l, const void *data,
                                                size_t n, uint64_t now_ns, struct probe *ret)
{
    uint64_t seq = find(l, data, n);
    if (!seq)
        return DATAGRAM_LINE_UNKNOWN;
    *ret = (struct probe){.seq = seq};
    switch (ledger_receive(&l->ledger, seq, now_ns, ret)) {
    case LEDGER_ANSWERED:
        return DATAGRAM_LINE_ANSWERED;
    case LEDGER_DUPLICATE:
        return DATAGRAM_LINE_DUPLICATE;
    case LEDGER_UNKNOWN:
        break;
    }
    return DATAGRAM_LINE_TOO_LATE;
}
