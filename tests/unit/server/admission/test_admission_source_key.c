/* SPDX-License-Identifier: MIT */
/* How sources are hashed, and with random numbers that are chosen here, how many the table holds.
 */
#include "admission_source_key.h"

#include <check.h>
#include <string.h>
#include <sys/random.h>

#include "admission_rates.h"
#include "loopback.h"
#include "suite.h"

static uint64_t numbers[2]; /* random ones */
static struct error err;

/* In place of that of the C library. */
ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    ck_assert_uint_eq(size, sizeof numbers);
    ck_assert_uint_eq(flags, 0); /* it waits until the kernel's generator is ready */
    memcpy(data, numbers, size);
    return (ssize_t)size;
}

static uint64_t hash_of(const struct admission_source_key *key)
{
    struct admission_source_hash hash;
    ck_assert_int_eq(admission_source_hash_init(&hash, &err), 0);
    return admission_source_hash(&hash, key);
}

static void choose(uint64_t first, uint64_t second)
{
    numbers[0] = first;
    numbers[1] = second;
}

START_TEST(each_bit_of_a_source_counts_whatever_the_random_numbers_are)
{
    struct admission_source_key none = {.family = AF_INET6}, one = {.family = AF_INET6};
    choose(UINT64_C(0x1234567812345670), 0);
    one.prefix = UINT64_C(1) << _i;
    ck_assert_uint_ne(hash_of(&none), hash_of(&one));
}
END_TEST

START_TEST(the_same_bits_of_another_family_have_another_hash)
{
    struct admission_source_key ipv4 = {.family = AF_INET, .prefix = 7}, ipv6 = ipv4;
    choose(3, UINT64_C(1) << 40);
    ipv6.family = AF_INET6;
    ck_assert_uint_ne(hash_of(&ipv4), hash_of(&ipv6));
}
END_TEST

START_TEST(nobody_can_predict_a_hash_who_knows_one_of_the_two_random_numbers)
{
    struct admission_source_key key = {.family = AF_INET6, .prefix = UINT64_C(0x20010db800000000)};
    choose(3, 1000);
    uint64_t hash = hash_of(&key);
    choose(5, 1000);
    ck_assert_uint_ne(hash_of(&key), hash);
    choose(3, 1001);
    ck_assert_uint_ne(hash_of(&key), hash);
}
END_TEST

/* So a test of what shares a set can choose its sources. */
START_TEST(a_hash_is_known_where_the_random_numbers_are)
{
    struct admission_source_key key = {.family = AF_INET6, .prefix = UINT64_C(0x20010db8c0000201)};
    choose(0, 0); /* a factor is odd */
    ck_assert_uint_eq(hash_of(&key), UINT64_C(0xc13ec177f713275a));
}
END_TEST

/* A set of four that has had five sources forgets one when it sees the next. */
START_TEST(most_of_forty_thousand_sources_stay_limited)
{
    enum { SOURCES = 40000, NOW_US = 1000 };
    struct admission_rates *rates;
    struct address source = loopback_address("udp://10.0.0.0:5000");
    unsigned granted = 0;
    choose(UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9));
    ck_assert_int_eq(admission_rates_new(&rates, &err), 0);
    for (uint32_t i = 0; i < 2 * SOURCES; i++) {
        source.ipv4.sin_addr.s_addr = (uint32_t)(i % SOURCES) * 2654435761u; /* spread */
        granted += admission_rates_take(rates, &source, 1, NOW_US);
    }
    ck_assert_uint_ge(granted, SOURCES); /* the first of each */
    ck_assert_uint_lt(granted, SOURCES + SOURCES / 8);
    admission_rates_free(rates);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_source_key");
    TCase *tcase = tcase_create("admission_source_key");
    tcase_add_loop_test(tcase, each_bit_of_a_source_counts_whatever_the_random_numbers_are, 0, 64);
    tcase_add_test(tcase, the_same_bits_of_another_family_have_another_hash);
    tcase_add_test(tcase, nobody_can_predict_a_hash_who_knows_one_of_the_two_random_numbers);
    tcase_add_test(tcase, a_hash_is_known_where_the_random_numbers_are);
    tcase_add_test(tcase, most_of_forty_thousand_sources_stay_limited);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
