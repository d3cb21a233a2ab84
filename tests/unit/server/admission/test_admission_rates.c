/* SPDX-License-Identifier: MIT */
#include "admission_rates.h"

#include <check.h>
#include <stdio.h>

#include "loopback.h"
#include "suite.h"

static struct admission_rates *rates;

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

START_TEST(a_new_limit_holds_at_once)
{
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 10, START_US, 20), 10);
    ck_assert_int_eq(taken("udp://192.0.2.1:1", 3, START_US, 20), 3);
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

int main(void)
{
    Suite *suite = suite_create("admission_rates");
    TCase *tests = tcase_create("admission_rates");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, allows_a_second_at_once_and_then_the_rate);
    tcase_add_test(tests, takes_a_64_and_a_mapped_address_for_one_source);
    tcase_add_test(tests, a_new_limit_holds_at_once);
    tcase_add_test(tests, a_flood_of_sources_frees_no_source_that_keeps_sending);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
