/* SPDX-License-Identifier: MIT */
#include "admission_rates.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "admission_source_key.h"
#include "loopback.h"
#include "suite.h"

static struct admission_rates *rates;

/* In place of that of the C library: which sources share a set is no luck. */
ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    static const uint64_t numbers[] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9)};
    ck_assert_uint_eq(size, sizeof numbers);
    ck_assert_uint_eq(flags, 0);
    memcpy(data, numbers, size);
    return (ssize_t)size;
}

static unsigned locks, unlocks;

/* Likewise, for one thread: Check calls them too. */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    (void)mutex;
    locks++;
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    (void)mutex;
    unlocks++;
    return 0;
}

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(admission_rates_new(&rates, &err), 0);
}

static void tear_down(void)
{
    admission_rates_free(rates);
}

static int taken(const char *source, uint64_t per_second, uint64_t now_us, int tries)
{
    struct address address = loopback_address(source);
    int count = 0;
    for (int i = 0; i < tries; i++)
        count += admission_rates_take(rates, &address, per_second, now_us);
    return count;
}

enum { START_US = 1000, SECOND_US = 1000000 };

START_TEST(allows_a_second_at_once_and_then_the_rate)
{
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US, 20), 10);
    ck_assert_int_eq(taken("udp://192.0.2.1:2", 10, START_US, 1), 0);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US + SECOND_US / 2, 20), 5);
    ck_assert_int_eq(taken("udp://192.0.2.2:1", 10, START_US, 20), 10);
}
END_TEST

START_TEST(takes_a_64_and_a_mapped_address_for_one_source)
{
    ck_assert_int_eq(taken("udp://[2001:db8::1]:1", 10, START_US, 10), 10);
    ck_assert_int_eq(taken("udp://[2001:db8::ffff:1]:1", 10, START_US, 1), 0);
    ck_assert_int_eq(taken("udp://[2001:db8:0:1::1]:1", 10, START_US, 1), 1);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US, 10), 10);
    ck_assert_int_eq(taken("udp://[::ffff:192.0.2.1]:1", 10, START_US, 1), 0);
}
END_TEST

/* As a socket for both families reports it. */
START_TEST(a_mapped_address_that_was_not_unmapped_is_the_same_source)
{
    struct address mapped = {.length = sizeof mapped.ipv6, .ipv6.sin6_family = AF_INET6};
    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.ipv6.sin6_addr), 1);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US, 10), 10);
    ck_assert(!admission_rates_take(rates, &mapped, 10, START_US));
}
END_TEST

START_TEST(an_ipv6_source_is_no_ipv4_source_of_the_same_bits)
{
    struct address v4 = loopback_address("udp://192.0.2.1:1"), v6 = {.length = sizeof v6.ipv6};
    uint64_t prefix = ntohl(v4.ipv4.sin_addr.s_addr); /* as in a key */
    v6.ipv6.sin6_family = AF_INET6;
    memcpy(&v6.ipv6.sin6_addr, &prefix, sizeof prefix);
    struct admission_source_key a = admission_source_key(&v4), b = admission_source_key(&v6);
    ck_assert_uint_eq(a.prefix, b.prefix);
    ck_assert(!admission_source_key_equal(&a, &b));
}
END_TEST

START_TEST(a_new_limit_holds_at_once)
{
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US, 20), 10);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 3, START_US, 20), 3);
}
END_TEST

START_TEST(a_limit_of_one_allows_one)
{
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 1, START_US, 3), 1);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 1, START_US + SECOND_US, 3), 1);
    admission_rates_free(NULL); /* does nothing */
}
END_TEST

/* More sources than sets, and in some sets more than it holds. */
START_TEST(a_new_source_does_not_pay_for_another_in_its_set)
{
    struct address source = loopback_address("udp://10.0.0.0:5000");
    for (uint32_t i = 0; i < 30000; i++) {
        source.ipv4.sin_addr.s_addr = htonl(0x0a000000 + i);
        ck_assert(admission_rates_take(rates, &source, 1, START_US));
    }
}
END_TEST

/* Ten times more than the table holds; the one that keeps sending keeps its entry. */
START_TEST(a_flood_of_sources_frees_no_source_that_keeps_sending)
{
    struct address flood = loopback_address("udp://10.0.0.0:5000");
    uint64_t now_us = START_US;
    int count = 0;
    for (uint32_t i = 0; i < 650000; i++) {
        flood.ipv4.sin_addr.s_addr = htonl(0x0a000000 + i);
        admission_rates_take(rates, &flood, 10, now_us);
        if (i % 1000 == 0)
            count += taken("udp://192.0.2.1:1", 10, ++now_us, 1);
    }
    ck_assert_int_eq(count, 10);
}
END_TEST

START_TEST(locks_the_table_for_each_datagram)
{
    struct address source = loopback_address("udp://192.0.2.1:1");
    locks = unlocks = 0;
    for (int i = 0; i < 3; i++)
        admission_rates_take(rates, &source, 1, START_US);
    unsigned locked = locks, unlocked = unlocks;
    ck_assert_uint_eq(locked, 3);
    ck_assert_uint_eq(unlocked, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_rates");
    TCase *tests = tcase_create("admission_rates");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, allows_a_second_at_once_and_then_the_rate);
    tcase_add_test(tests, takes_a_64_and_a_mapped_address_for_one_source);
    tcase_add_test(tests, a_limit_of_one_allows_one);
    tcase_add_test(tests, a_new_source_does_not_pay_for_another_in_its_set);
    tcase_add_test(tests, a_mapped_address_that_was_not_unmapped_is_the_same_source);
    tcase_add_test(tests, an_ipv6_source_is_no_ipv4_source_of_the_same_bits);
    tcase_add_test(tests, a_new_limit_holds_at_once);
    tcase_add_test(tests, locks_the_table_for_each_datagram);
    tcase_add_test(tests, a_flood_of_sources_frees_no_source_that_keeps_sending);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
