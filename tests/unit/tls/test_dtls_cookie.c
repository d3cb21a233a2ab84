/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/dtls_cookie.h"
#include "tlsecho/tls/dtls_record.h"

#include <check.h>
#include <string.h>

#include "loopback.h"
#include "suite.h"

enum {
    HELLO_BYTES = 80,
    RECORD_BYTES_AT = 11,
    MESSAGE_AT = 13,
    COOKIE_N_AT = 60,
    COOKIE_BYTES = 32
};

static struct dtls_cookies *cookies;
static struct address peer, own;
static unsigned char hello[HELLO_BYTES + COOKIE_BYTES], answer[DTLS_COOKIE_ANSWER_BYTES];
static size_t hello_n;
static uint64_t now_us;
static struct error err;

static void write_hello(const unsigned char *cookie, size_t cookie_n)
{
    unsigned char rest[] = {0, 2, 0xc0, 0x2b, 1, 0, 0, 0};
    size_t body = 2 + 32 + 1 + 1 + cookie_n + sizeof rest;
    const unsigned char head[] = {22,
                                  0xfe,
                                  0xff,
                                  0,
                                  0,
                                  1,
                                  2,
                                  3,
                                  4,
                                  5,
                                  6,
                                  0,
                                  (unsigned char)(12 + body),
                                  1,
                                  0,
                                  0,
                                  (unsigned char)body,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0,
                                  (unsigned char)body,
                                  0xfe,
                                  0xfd};
    memset(hello, 'r', sizeof hello);
    memcpy(hello, head, sizeof head);
    hello[59] = 0; /* no session */
    hello[COOKIE_N_AT] = (unsigned char)cookie_n;
    if (cookie_n > 0)
        memcpy(hello + COOKIE_N_AT + 1, cookie, cookie_n);
    memcpy(hello + COOKIE_N_AT + 1 + cookie_n, rest, sizeof rest);
    hello_n = COOKIE_N_AT + 1 + cookie_n + sizeof rest;
}

static void set_up(void)
{
    ck_assert_int_eq(dtls_cookies_new(&cookies, &err), 0);
    peer = loopback_address("udp://192.0.2.1:4000");
    own = loopback_address("udp://[2001:db8::1]:7443");
    now_us = DTLS_KEY_US;
    write_hello(NULL, 0);
}

static void tear_down(void)
{
    dtls_cookies_free(cookies);
    dtls_cookies_free(NULL);
}

static enum dtls_first check(size_t max_bytes)
{
    const struct dtls_first_flight flight = {
        .peer = &peer, .own = &own, .data = hello, .length = hello_n, .max_bytes = max_bytes};
    return dtls_cookies_check(cookies, &flight, now_us, answer);
}

/* The ClientHello that returns the cookie. */
static void return_cookie(void)
{
    write_hello(NULL, 0);
    ck_assert_int_eq(check(0), DTLS_FIRST_ASK);
    write_hello(answer + sizeof answer - COOKIE_BYTES, COOKIE_BYTES);
}

/* RFC 6347 §4.2.1 */
START_TEST(answers_with_a_cookie_that_is_shorter_than_the_question)
{
    static const unsigned char head[] = {22, 0xfe, 0xff, 0, 0, 1, 2, 3, 4, 5, 6,  0,    47,   3,
                                         0,  0,    35,   0, 0, 0, 0, 0, 0, 0, 35, 0xfe, 0xff, 32};
    ck_assert_int_eq(check(0), DTLS_FIRST_ASK);
    ck_assert_mem_eq(answer, head, sizeof head);
    ck_assert_uint_lt(sizeof answer, hello_n);
}
END_TEST

START_TEST(believes_who_returns_the_cookie)
{
    return_cookie();
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
}
END_TEST

START_TEST(asks_again_for_a_cookie_of_other_addresses)
{
    return_cookie();
    struct address before = peer;
    address_set_port(&peer, 4001);
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    peer = loopback_address("udp://192.0.2.3:4000");
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    peer = before;
    own = loopback_address("udp://[2001:db8::2]:7443");
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
}
END_TEST

START_TEST(asks_again_for_a_cookie_of_another_port_zone_or_family)
{
    peer = loopback_address("udp://[fe80::1%1]:4000");
    return_cookie();
    peer.ipv6.sin6_scope_id++;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    peer.ipv6.sin6_scope_id--;
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    address_set_port(&own, 7444);
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    peer = loopback_address("udp://192.0.2.1:4000");
    own = loopback_address("udp://192.0.2.2:7443");
    return_cookie();
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    own = loopback_address("udp://192.0.2.3:7443");
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
}
END_TEST

START_TEST(asks_again_for_a_wrong_cookie)
{
    unsigned char longer[COOKIE_BYTES + 1] = {0};
    return_cookie();
    memcpy(longer, answer + sizeof answer - COOKIE_BYTES, COOKIE_BYTES);
    hello[COOKIE_N_AT + 1] ^= 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    write_hello((const unsigned char *)"short", 5);
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    write_hello(longer, COOKIE_BYTES + 1);
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    write_hello(longer, COOKIE_BYTES - 1);
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    write_hello(longer, COOKIE_BYTES);
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
}
END_TEST

START_TEST(believes_a_cookie_for_one_to_two_minutes)
{
    return_cookie();
    now_us += 2ULL * DTLS_KEY_US - 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    now_us += 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    return_cookie();
    now_us += 100ULL * DTLS_KEY_US;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
    return_cookie(); /* of a key that is new now */
    now_us += 2ULL * DTLS_KEY_US - 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    now_us += 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
}
END_TEST

START_TEST(changes_the_key_every_minute)
{
    return_cookie();
    now_us += DTLS_KEY_US - 1;
    unsigned char before[DTLS_COOKIE_ANSWER_BYTES];
    write_hello(NULL, 0);
    ck_assert_int_eq(check(0), DTLS_FIRST_ASK);
    memcpy(before, answer, sizeof before);
    now_us += 1;
    ck_assert_int_eq(check(0), DTLS_FIRST_ASK);
    ck_assert_mem_ne(answer, before, sizeof before);
    return_cookie();
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    write_hello(before + sizeof before - COOKIE_BYTES, COOKIE_BYTES);
    ck_assert_int_eq(check(0), DTLS_FIRST_PROVEN);
    now_us += DTLS_KEY_US;
    ck_assert_int_eq(check(0), DTLS_FIRST_WRONG);
}
END_TEST

START_TEST(refuses_a_long_client_hello)
{
    ck_assert_int_eq(check(hello_n - MESSAGE_AT), DTLS_FIRST_ASK);
    ck_assert_int_eq(check(hello_n - MESSAGE_AT - 1), DTLS_FIRST_TOO_LONG);
}
END_TEST

START_TEST(does_not_answer_part_of_a_client_hello)
{
    size_t whole = hello_n;
    for (hello_n = 0; hello_n < whole; hello_n++)
        ck_assert_int_eq(check(0), DTLS_FIRST_OTHER);
    ck_assert_int_eq(check(0), DTLS_FIRST_ASK);
}
END_TEST

static const struct {
    size_t at;
    unsigned char value;
} other[] = {
    {0, 23},                /* application data */
    {1, 3},                 /* TLS */
    {4, 1},                 /* of epoch 1 */
    {RECORD_BYTES_AT, 1},   /* longer than the datagram */
    {MESSAGE_AT, 2},        /* a ServerHello */
    {MESSAGE_AT + 8, 1},    /* its second fragment */
    {MESSAGE_AT + 11, 255}, /* a fragment longer than the record */
    {59, 200},              /* a session longer than the message */
    {COOKIE_N_AT, 200},     /* a cookie, likewise */
};

START_TEST(does_not_answer_anything_else)
{
    hello[other[_i].at] = other[_i].value;
    ck_assert_int_eq(check(0), DTLS_FIRST_OTHER);
}
END_TEST

START_TEST(tells_records_apart)
{
    unsigned char random[DTLS_RANDOM_BYTES];
    ck_assert_int_eq(dtls_record_look(hello, hello_n, random), DTLS_RECORD_HELLO);
    ck_assert_int_eq(random[0], 'r');
    ck_assert_int_eq(random[31], 'r');
    hello[MESSAGE_AT] = 16;
    ck_assert_int_eq(dtls_record_look(hello, hello_n, NULL), DTLS_RECORD_PLAIN);
    hello[4] = 1;
    ck_assert_int_eq(dtls_record_look(hello, hello_n, NULL), DTLS_RECORD_ENCRYPTED);
    ck_assert_int_eq(dtls_record_look(hello, 12, NULL), DTLS_RECORD_NONE);
    hello[0] = 'G';
    ck_assert_int_eq(dtls_record_look(hello, hello_n, NULL), DTLS_RECORD_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dtls_cookie");
    TCase *tcase = tcase_create("dtls_cookie");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, answers_with_a_cookie_that_is_shorter_than_the_question);
    tcase_add_test(tcase, believes_who_returns_the_cookie);
    tcase_add_test(tcase, asks_again_for_a_cookie_of_other_addresses);
    tcase_add_test(tcase, asks_again_for_a_cookie_of_another_port_zone_or_family);
    tcase_add_test(tcase, asks_again_for_a_wrong_cookie);
    tcase_add_test(tcase, believes_a_cookie_for_one_to_two_minutes);
    tcase_add_test(tcase, changes_the_key_every_minute);
    tcase_add_test(tcase, refuses_a_long_client_hello);
    tcase_add_test(tcase, does_not_answer_part_of_a_client_hello);
    tcase_add_loop_test(tcase, does_not_answer_anything_else, 0, sizeof other / sizeof *other);
    tcase_add_test(tcase, tells_records_apart);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
