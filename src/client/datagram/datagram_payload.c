/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/datagram_payload.h"

#include <stdbool.h>
#include <string.h>

#include "tlsecho/base/ascii.h"
#include "tlsecho/client/payload.h"

enum {
    DIGIT_BITS = 7,
    DIGIT_MARK = 1 << DIGIT_BITS,
    SEQ_DIGITS = 5,
    KEY_DIGITS = 4,
    KEY_MASK = (1 << KEY_DIGITS * DIGIT_BITS) - 1,
    HEADER_BYTES = SEQ_DIGITS + KEY_DIGITS,
    TELLING_BYTES = HEADER_BYTES + 8, /* that many are no accident */
    PIECE_BYTES = 256,
    WINDOW_MAX = 1 << 20,
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t seq_digits(size_t bytes)
{
    return smaller(bytes, SEQ_DIGITS);
}

size_t datagram_payload_window(const struct datagram_payload *p)
{
    size_t told_apart = (size_t)1 << DIGIT_BITS * (smaller(p->bytes, 3));
    return smaller(told_apart / 2, WINDOW_MAX);
}

static void put_digits(unsigned char *data, size_t digits, uint64_t value)
{
    while (digits--) {
        data[digits] = (unsigned char)(DIGIT_MARK | (value & (DIGIT_MARK - 1)));
        value >>= DIGIT_BITS;
    }
}

/* False: they are no digits. */
static bool get_digits(const unsigned char *data, size_t digits, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!(data[i] & DIGIT_MARK))
            return false;
        value = value << DIGIT_BITS | (data[i] & (DIGIT_MARK - 1));
    }
    *ret = value;
    return true;
}

static void fill_header(const struct datagram_payload *p, uint64_t seq, unsigned char *data)
{
    unsigned char key[KEY_DIGITS];
    size_t digits = seq_digits(p->bytes);
    put_digits(data, digits, seq);
    put_digits(key, KEY_DIGITS, p->key);
    memcpy(data + digits, key, smaller(p->bytes - digits, KEY_DIGITS));
}

/* The n bytes from `from` on, all of them behind the header. */
static void fill_body(const struct datagram_payload *p, uint64_t seq, unsigned char *data,
                      size_t from, size_t n)
{
    payload_fill(data, n, (uint64_t)(p->key & KEY_MASK) << 32 ^ seq, from);
}

void datagram_payload_fill(const struct datagram_payload *p, uint64_t seq, unsigned char *data)
{
    fill_header(p, seq, data);
    if (p->bytes > HEADER_BYTES)
        fill_body(p, seq, data + HEADER_BYTES, HEADER_BYTES, p->bytes - HEADER_BYTES);
}

/* The last number up to last_seq that ends in these digits; 0 = there is none. */
static uint64_t complete(uint64_t digits_value, size_t digits, uint64_t last_seq)
{
    uint64_t told_apart = UINT64_C(1) << DIGIT_BITS * digits;
    uint64_t back = (last_seq - digits_value) & (told_apart - 1);
    return back < last_seq ? last_seq - back : 0;
}

uint64_t datagram_payload_seq(const struct datagram_payload *p, uint64_t last_seq,
                              const unsigned char *data, size_t n)
{
    size_t digits = seq_digits(p->bytes);
    uint64_t value;
    if (n < digits || !get_digits(data, digits, &value))
        return 0;
    return complete(value, digits, last_seq);
}

/* Compares the n bytes with those of the probe from ret->at on, and moves that on to the first that
 * differs. */
static bool compare_piece(const unsigned char *expected, const unsigned char *data, size_t n,
                          struct datagram_answer *ret)
{
    size_t same = memcmp(expected, data, n) == 0 ? n : 0;
    while (same < n && expected[same] == data[same])
        same++;
    ret->at += same;
    if (same == n)
        return true;
    ret->expected = expected[same];
    ret->got = data[same];
    return false;
}

/* Whether it is the reply to probe ret->seq, from byte `from` of the header on. Else *ret says
 * where it differs first. */
static bool compare_from(const struct datagram_payload *p, const unsigned char *data, size_t n,
                         size_t from, struct datagram_answer *ret)
{
    unsigned char expected[PIECE_BYTES];
    size_t both = smaller(n, p->bytes), header = smaller(both, HEADER_BYTES);
    ret->at = smaller(from, header);
    fill_header(p, ret->seq, expected);
    bool same = compare_piece(expected + ret->at, data + ret->at, header - ret->at, ret);
    while (same && ret->at < both) {
        size_t piece = smaller(both - ret->at, PIECE_BYTES);
        fill_body(p, ret->seq, expected, ret->at, piece);
        if (p->expect == EXPECT_UPPER)
            ascii_upper(expected, piece);
        same = compare_piece(expected, data + ret->at, piece, ret);
    }
    return same && n == p->bytes;
}

/* A payload says its own key: whether all of it is what a run with that key would have sent. */
static bool is_of_another_run(const struct datagram_payload *p, const unsigned char *data, size_t n)
{
    uint64_t seq, key;
    if (n < TELLING_BYTES || n > DATAGRAM_PAYLOAD_MAX || !get_digits(data, SEQ_DIGITS, &seq) ||
        !get_digits(data + SEQ_DIGITS, KEY_DIGITS, &key) || key == (p->key & KEY_MASK))
        return false;
    struct datagram_payload other = {.key = (uint32_t)key, .bytes = n, .expect = p->expect};
    struct datagram_answer answer = {.seq = seq};
    return compare_from(&other, data, n, 0, &answer);
}

/* A digit of the number may be the byte that was changed: all other bytes say whose it is. */
static bool find_changed_digit(const struct datagram_payload *p, uint64_t last_seq,
                               const unsigned char *data, struct datagram_answer *ret)
{
    for (int at = 0; at < SEQ_DIGITS; at++) {
        unsigned char digits[SEQ_DIGITS];
        memcpy(digits, data, sizeof digits);
        for (int digit = 0; digit < DIGIT_MARK; digit++) {
            digits[at] = (unsigned char)(DIGIT_MARK | digit);
            struct datagram_answer answer = {
                .seq = datagram_payload_seq(p, last_seq, digits, sizeof digits)};
            if (!answer.seq || !compare_from(p, data, p->bytes, SEQ_DIGITS, &answer))
                continue;
            *ret = (struct datagram_answer){
                .seq = answer.seq, .at = (size_t)at, .expected = digits[at], .got = data[at]};
            return true;
        }
    }
    return false;
}

enum datagram_verdict datagram_payload_check(const struct datagram_payload *p, uint64_t last_seq,
                                             const unsigned char *data, size_t n,
                                             struct datagram_answer *ret)
{
    *ret = (struct datagram_answer){.seq = datagram_payload_seq(p, last_seq, data, n)};
    if (ret->seq && compare_from(p, data, n, 0, ret))
        return DATAGRAM_SAME;
    if (is_of_another_run(p, data, n))
        return DATAGRAM_FOREIGN;
    if (n == p->bytes && n >= TELLING_BYTES)
        find_changed_digit(p, last_seq, data, ret);
    return DATAGRAM_DIFFERS;
}
