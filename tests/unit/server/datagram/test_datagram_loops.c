/* SPDX-License-Identifier: MIT */
#include "datagram_loops.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "loopback.h"
#include "suite.h"

static struct datagram_loops *loops;
static struct address peer;
static uint64_t now_us;

static void set_up(void)
{
    struct error err;
    ck_assert_int_eq(datagram_loops_new(&loops, &err), 0);
    peer = loopback_address("udp://192.0.2.1:5000");
    now_us = 1000;
}

static void tear_down(void)
{
    datagram_loops_free(loops);
}

static uint32_t hash(const char *text)
{
    return datagram_loops_hash(loops, (const unsigned char *)text, strlen(text));
}

/* A datagram comes, and its echo goes back unless it is ignored. */
static enum datagram_loops_verdict echo(const char *text)
{
    struct datagram_partner *p = datagram_loops_find(loops, &peer, 1, now_us);
    enum datagram_loops_verdict verdict = datagram_loops_receive(p, hash(text), 0, now_us);
    if (verdict == DATAGRAM_LOOPS_ANSWER)
        datagram_loops_answer(p, hash(text));
    return verdict;
}

/* The first comes by itself, and a hundred return. */
static void loop(void)
{
    for (int i = 0; i < DATAGRAM_LOOPS_MAX; i++)
        ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_ANSWER);
    ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_FOUND);
}

START_TEST(finds_a_source_that_has_returned_a_hundred_answers)
{
    loop();
    ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_IGNORE);
    ck_assert_int_eq(echo("something else"), DATAGRAM_LOOPS_IGNORE);
}
END_TEST

START_TEST(ignores_it_for_a_minute)
{
    loop();
    now_us += DATAGRAM_LOOPS_IGNORE_US - 1;
    ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_IGNORE);
    now_us++;
    loop();
}
END_TEST

START_TEST(one_datagram_of_its_own_begins_the_count_anew)
{
    for (int i = 0; i < DATAGRAM_LOOPS_MAX; i++)
        ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_ANSWER);
    ck_assert_int_eq(echo("y"), DATAGRAM_LOOPS_ANSWER);
    for (int i = 1; i < DATAGRAM_LOOPS_MAX; i++)
        ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_ANSWER);
    ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_FOUND);
}
END_TEST

START_TEST(new_payloads_are_never_a_loop)
{
    char text[16];
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_int_eq(echo(text), DATAGRAM_LOOPS_ANSWER);
    }
}
END_TEST

/* A hundred datagrams on the way at once return in their order. */
START_TEST(finds_many_that_go_round_together)
{
    char text[16];
    int found = 0;
    for (int i = 0; i < 3 * DATAGRAM_LOOPS_MAX && !found; i++) {
        snprintf(text, sizeof text, "%d", i % DATAGRAM_LOOPS_MAX);
        found = echo(text) == DATAGRAM_LOOPS_FOUND ? i : 0;
    }
    ck_assert_int_eq(found, 2 * DATAGRAM_LOOPS_MAX - 1);
}
END_TEST

START_TEST(either_of_two_hashes_may_be_an_answer)
{
    struct datagram_partner *p = datagram_loops_find(loops, &peer, 1, now_us);
    datagram_loops_answer(p, hash("answer"));
    datagram_loops_receive(p, hash("a"), hash("answer"), now_us);
    ck_assert_uint_eq(p->levels[0].returned, 1);
    datagram_loops_receive(p, hash("answer"), hash("b"), now_us);
    ck_assert_uint_eq(p->levels[0].returned, 2);
    datagram_loops_receive(p, hash("a"), hash("b"), now_us);
    ck_assert_uint_eq(p->levels[0].returned, 0);
}
END_TEST

/* A hash of that number: the same in every run, unlike those of datagram_loops_hash. */
static uint32_t hash_of(uint64_t number)
{
    number = (number + 1) * 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(number >> 32) | 1;
}

static enum datagram_loops_verdict echo_number(uint64_t number)
{
    struct datagram_partner *p = datagram_loops_find(loops, &peer, 1, ++now_us);
    enum datagram_loops_verdict verdict = datagram_loops_receive(p, hash_of(number), 0, now_us);
    if (verdict == DATAGRAM_LOOPS_ANSWER)
        datagram_loops_answer(p, hash_of(number));
    return verdict;
}

static const struct {
    unsigned on_the_way, at_least, at_most;
} crowds[] = {
    /* the first of each come by themselves */
    {99, 199, 199},       {100, 200, 200},       {101, 1000, 3000},
    {150, 1000, 3000},    {1000, 2000, 4000},    {1600, 2500, 40000},
    {5000, 25000, 40000}, {10000, 30000, 45000}, {20000, 40000, 55000},
};

/* A loop of 101 is found by the 6 or so that are in the sample of level 1, and so on. */
START_TEST(finds_a_loop_of_more_than_it_remembers)
{
    unsigned n = 0;
    while (n < 200000 && echo_number(n % crowds[_i].on_the_way) != DATAGRAM_LOOPS_FOUND)
        n++;
    ck_assert_uint_ge(n + 1, crowds[_i].at_least);
    ck_assert_uint_le(n + 1, crowds[_i].at_most);
}
END_TEST

/* 5 payloads 40 times each, and so on. */
START_TEST(finds_a_loop_of_many_copies)
{
    unsigned n = 0;
    while (n < 200000 && echo_number(n / 40 % 5 + (n % 40 == 0) * 1000) != DATAGRAM_LOOPS_FOUND)
        n++;
    ck_assert_uint_eq(n, 161 + DATAGRAM_LOOPS_MAX); /* the last new one, and a hundred */
}
END_TEST

/* What a client repeats is in a sample for some of the hundred, but never all that is. */
START_TEST(one_payload_among_new_ones_is_never_a_loop)
{
    for (unsigned repeated = 0; repeated < 100; repeated++)
        for (unsigned n = 0; n < 1000; n++) {
            bool is_new = n % 10 == 0;
            ck_assert_int_eq(echo_number(is_new ? 1000 * (repeated + 1UL) + n : repeated),
                             DATAGRAM_LOOPS_ANSWER);
        }
}
END_TEST

/* Which are in the sample of the last level, does not depend on how they are numbered. */
START_TEST(a_sample_takes_its_share_of_numbered_payloads)
{
    static const int widths[] = {1, 6, 8, 13, 40};
    char text[64];
    int sampled = 0;
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "%0*d", widths[_i], i);
        sampled += hash(text) <= UINT32_MAX >> 2 * DATAGRAM_LOOPS_SAMPLE_BITS;
    }
    ck_assert_int_ge(sampled, 390 - 180);
    ck_assert_int_le(sampled, 390 + 180);
}
END_TEST

/* A reflector's packets carry our answer behind a number of their own, which is in a sample too. */
START_TEST(finds_a_loop_of_many_through_a_reflector)
{
    enum datagram_loops_verdict verdict = DATAGRAM_LOOPS_ANSWER;
    unsigned n = 0;
    for (; n < 200000 && verdict == DATAGRAM_LOOPS_ANSWER; n++) {
        struct datagram_partner *p = datagram_loops_find(loops, &peer, 1, ++now_us);
        uint32_t returned = n < 500 ? hash_of(1000000 + n) : hash_of(n - 500);
        verdict = datagram_loops_receive(p, hash_of(2000000 + n), returned, now_us);
        datagram_loops_answer(p, hash_of(n));
    }
    ck_assert_int_eq(verdict, DATAGRAM_LOOPS_FOUND);
    ck_assert_uint_le(n, 500 + 2500);
}
END_TEST

static const struct {
    const char *peer;
    unsigned listener;
} others[] = {
    {"udp://192.0.2.1:5001", 1},
    {"udp://192.0.2.2:5000", 1},
    {"udp://192.0.2.1:5000", 2},
    {"udp://[2001:db8::1]:5000", 1},
};

START_TEST(another_source_is_not_ignored)
{
    struct address other = loopback_address(others[_i].peer);
    loop();
    struct datagram_partner *p = datagram_loops_find(loops, &other, others[_i].listener, now_us);
    ck_assert_int_eq(datagram_loops_receive(p, hash("x"), 0, now_us), DATAGRAM_LOOPS_ANSWER);
}
END_TEST

/* However many sources there are: the table has its size, and who is ignored stays in it. */
START_TEST(a_flood_of_sources_does_not_free_the_ignored_one)
{
    struct address other = loopback_address("udp://198.51.100.0:1024");
    loop();
    for (uint32_t i = 0; i < 100000; i++) {
        other.ipv4.sin_addr.s_addr = htonl(0xc6336400 + i);
        datagram_loops_find(loops, &other, 1, ++now_us);
    }
    ck_assert_int_eq(echo("x"), DATAGRAM_LOOPS_IGNORE);
}
END_TEST

START_TEST(every_byte_counts)
{
    unsigned char data[64] = {0};
    uint32_t before = datagram_loops_hash(loops, data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] ^= 1;
        ck_assert_uint_ne(datagram_loops_hash(loops, data, sizeof data), before);
        data[i] ^= 1;
    }
    for (size_t n = 0; n < sizeof data; n++)
        ck_assert_uint_ne(datagram_loops_hash(loops, data, n), before);
    ck_assert_uint_eq(datagram_loops_hash(loops, data, sizeof data), before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datagram_loops");
    TCase *tests = tcase_create("datagram_loops");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, finds_a_source_that_has_returned_a_hundred_answers);
    tcase_add_test(tests, ignores_it_for_a_minute);
    tcase_add_test(tests, one_datagram_of_its_own_begins_the_count_anew);
    tcase_add_test(tests, new_payloads_are_never_a_loop);
    tcase_add_test(tests, finds_many_that_go_round_together);
    tcase_add_loop_test(tests, finds_a_loop_of_more_than_it_remembers, 0,
                        sizeof crowds / sizeof *crowds);
    tcase_add_test(tests, finds_a_loop_of_many_copies);
    tcase_add_test(tests, finds_a_loop_of_many_through_a_reflector);
    tcase_add_test(tests, one_payload_among_new_ones_is_never_a_loop);
    tcase_add_loop_test(tests, a_sample_takes_its_share_of_numbered_payloads, 0, 5);
    tcase_add_test(tests, either_of_two_hashes_may_be_an_answer);
    tcase_add_loop_test(tests, another_source_is_not_ignored, 0, sizeof others / sizeof *others);
    tcase_add_test(tests, a_flood_of_sources_does_not_free_the_ignored_one);
    tcase_add_test(tests, every_byte_counts);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
