/* SPDX-License-Identifier: MIT */
/* What holds for every pair of random numbers that a table of sources has. */
#include <arpa/inet.h>
#include <check.h>
#include <string.h>
#include <sys/random.h>

#include "admission_rates.h"
#include "admission_source_key.h"
#include "property.h"
#include "suite.h"

enum { CASES = 2000, TABLES = 700 /* of 3 MB */, NEIGHBOURS = 512 };

/* In place of that of the C library. */
ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    uint64_t *numbers = data;
    (void)flags;
    for (size_t i = 0; i < size / sizeof *numbers; i++)
        numbers[i] = property_random();
    return (ssize_t)size;
}

static struct address ipv4(uint64_t number)
{
    struct address address = {.length = sizeof address.ipv4, .ipv4.sin_family = AF_INET};
    address.ipv4.sin_addr.s_addr = htonl((uint32_t)number);
    return address;
}

static struct address ipv6(uint64_t prefix)
{
    struct address address = {.length = sizeof address.ipv6, .ipv6.sin6_family = AF_INET6};
    for (int i = 0; i < 8; i++)
        address.ipv6.sin6_addr.s6_addr[i] = (uint8_t)(prefix >> (56 - 8 * i));
    return address;
}

static const struct kind {
    const char *name;
    struct address (*address)(uint64_t number);
    unsigned step_bits;
} kinds[] = {
    {"addresses", ipv4, 0},        {"networks of 256 addresses", ipv4, 8},
    {"networks of /64", ipv6, 0},  {"networks of /56", ipv6, 8},
    {"networks of /48", ipv6, 16},
};
static const struct kind *kind;

/* Of random hashes eight pairs share a set. */
static void hash_neighbours(void)
{
    enum { SET_BITS = 14, PAIRS_MAX = 64 };
    unsigned char count[1 << SET_BITS] = {0};
    struct admission_source_hash hash;
    struct error err;
    uint64_t first = property_random();
    unsigned pairs = 0;
    property_require(admission_source_hash_init(&hash, &err) == 0, "random numbers");
    for (uint64_t i = 0; i < NEIGHBOURS; i++) {
        struct address address = kind->address(first + (i << kind->step_bits));
        struct admission_source_key key = admission_source_key(&address);
        pairs += count[admission_source_hash(&hash, &key) >> (64 - SET_BITS)]++;
    }
    property_require(pairs < PAIRS_MAX, "few neighbours share a set");
}

START_TEST(neighbours_are_spread_like_any_sources)
{
    kind = &kinds[_i];
    property_check(kind->name, CASES, hash_neighbours);
}
END_TEST

static bool take(struct admission_rates *rates, uint64_t number, uint64_t now_us)
{
    struct address source = ipv4(number);
    return admission_rates_take(rates, &source, 1, now_us);
}

/* All of them send within a second. */
static void flood_from_neighbours(void)
{
    struct admission_rates *rates;
    struct error err;
    uint64_t first = property_random(), now_us = 1;
    property_require(admission_rates_new(&rates, &err) == 0, "a table");
    property_require(take(rates, first, now_us), "the first datagram is let in");
    for (uint64_t i = 1; i < NEIGHBOURS; i++)
        property_require(take(rates, first + i, ++now_us), "each neighbour's is let in");
    property_require(!take(rates, first, ++now_us), "the second is one too many");
    admission_rates_free(rates);
}

START_TEST(a_flood_from_neighbours_frees_no_source_of_its_limit)
{
    property_check("a flood from neighbours", TABLES, flood_from_neighbours);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_properties");
    TCase *tcase = tcase_create("admission_properties");
    tcase_add_loop_test(tcase, neighbours_are_spread_like_any_sources, 0,
                        sizeof kinds / sizeof *kinds);
    tcase_add_test(tcase, a_flood_from_neighbours_frees_no_source_of_its_limit);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
