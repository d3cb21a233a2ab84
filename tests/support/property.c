/* SPDX-License-Identifier: MIT */
#include "property.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tlsecho/base/quantity.h"

static const char *running;
static uint64_t seed, state;

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    uint64_t number = otherwise;
    struct error err;
    if (text && quantity_parse_count(text, &number, &err) != 0)
        ck_abort_msg("%s=%s: give a whole number", variable, text);
    return number;
}

/* splitmix64 */
uint64_t property_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint64_t property_below(uint64_t n)
{
    return property_random() % n;
}

uint64_t property_of_any_size(void)
{
    uint64_t bits = property_below(65);
    return bits ? property_random() >> (64 - bits) : 0;
}

void property_require(bool holds, const char *rule)
{
    if (!holds)
        ck_abort_msg("%s: broken with TLSECHO_SEED=%" PRIu64 ": %s", running, seed, rule);
}

void property_check(const char *name, unsigned cases, void (*run)(void))
{
    uint64_t first = number_of("TLSECHO_SEED", 1), count = number_of("TLSECHO_CASES", cases);
    running = name;
    printf("%s: %" PRIu64 " cases, seed %" PRIu64 "\n", name, count, first);
    fflush(stdout);
    for (seed = first; seed < first + count; seed++) {
        state = seed;
        run();
    }
}
