/* SPDX-License-Identifier: MIT */
#include "bench_pattern.h"

#include <stdlib.h>
#include <string.h>

#include "tlsecho/base/ascii.h"

enum {
    PERIOD = 65521, /* the largest prime below 64 Ki */
    STRIDE = 40503, /* between the starts of two connections; the first PERIOD of them differ */
};

struct bench_pattern {
    unsigned char sent[PERIOD + BENCH_PIECE_BYTES];
    unsigned char expected[PERIOD + BENCH_PIECE_BYTES];
};

/* xorshift64*: the same bytes in every run. */
static unsigned char next_byte(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (unsigned char)((*state * 0x2545f4914f6cdd1d) >> 56);
}

int bench_pattern_new(enum expect_kind kind, struct bench_pattern **ret, struct error *err)
{
    struct bench_pattern *pattern = malloc(sizeof *pattern);
    if (!pattern)
        return error_sys(err, "memory for the bytes to send");

    uint64_t state = 7;
    for (size_t i = 0; i < PERIOD; i++)
        pattern->sent[i] = next_byte(&state);
    for (size_t i = PERIOD; i < sizeof pattern->sent; i++)
        pattern->sent[i] = pattern->sent[i - PERIOD];
    memcpy(pattern->expected, pattern->sent, sizeof pattern->sent);
    if (kind == EXPECT_UPPER)
        ascii_upper(pattern->expected, sizeof pattern->expected);
    *ret = pattern;
    return 0;
}

void bench_pattern_free(struct bench_pattern *pattern)
{
    free(pattern);
}

static size_t place(uint32_t connection, uint64_t offset)
{
    return (size_t)((offset + (uint64_t)connection * STRIDE) % PERIOD);
}

const unsigned char *bench_pattern_sent(const struct bench_pattern *pattern, uint32_t connection,
                                        uint64_t offset)
{
    return pattern->sent + place(connection, offset);
}

const unsigned char *bench_pattern_expected(const struct bench_pattern *pattern,
                                            uint32_t connection, uint64_t offset)
{
    return pattern->expected + place(connection, offset);
}
