/* SPDX-License-Identifier: MIT */
#include "tls_hello.h"

#include <check.h>
#include <string.h>

#include "suite.h"

enum { MAX = 4096, BYTES = 1 << 20 };

static unsigned char bytes[BYTES];
static size_t size;
static struct tls_hello hello;

static void set_up(void)
{
    size = 0;
    hello = (struct tls_hello){.second = false};
}

static void add(const void *data, size_t n)
{
    memcpy(bytes + size, data, n);
    size += n;
}

static void add_record(unsigned char type, const void *data, size_t n)
{
    add((unsigned char[]){type, 3, 1, (unsigned char)(n >> 8), (unsigned char)n}, 5);
    add(data, n);
}

/* A message of n bytes, its header included. */
static const unsigned char *message(unsigned char type, size_t n)
{
    static unsigned char ret[BYTES];
    memset(ret, 'x', sizeof ret);
    memcpy(ret,
           (unsigned char[]){type, (unsigned char)((n - 4) >> 16), (unsigned char)((n - 4) >> 8),
                             (unsigned char)(n - 4)},
           4);
    return ret;
}

/* A ClientHello of n bytes in records of at most so many. */
static void add_hello(size_t n, size_t record)
{
    const unsigned char *at = message(1, n);
    for (size_t i = 0; i < n; i += record)
        add_record(22, at + i, n - i < record ? n - i : record);
}

static enum tls_hello_state examine(size_t max)
{
    return tls_hello_examine(&hello, bytes, size, max);
}

/* Byte by byte: until the last one it is a part. */
static enum tls_hello_state examine_each(size_t max)
{
    for (size_t n = 0; n < size; n++)
        ck_assert_int_eq(tls_hello_examine(&hello, bytes, n, max), TLS_HELLO_PART);
    return examine(max);
}

START_TEST(finds_the_end_of_a_hello_in_pieces_of_any_size)
{
    static const size_t records[] = {1, 2, 3, 4, 5, 100, 511, 512, 1000};
    add_hello(512, records[_i]);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    hello = (struct tls_hello){.second = false};
    ck_assert_int_eq(examine(MAX), TLS_HELLO_WHOLE);
}
END_TEST

START_TEST(ignores_bytes_after_the_last_record)
{
    add_hello(512, 512);
    add("anything at all", 15);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_WHOLE);
}
END_TEST

START_TEST(empty_records_are_left_to_openssl_and_count)
{
    add_record(22, "", 0);
    add_hello(512, 512);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    set_up();
    for (int i = 0; i < MAX / 5 + 1; i++)
        add_record(22, "", 0);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(a_hello_may_be_as_long_as_the_limit_with_its_record_headers)
{
    add_hello(MAX - 5, MAX);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    set_up();
    add_hello(MAX - 4, MAX);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
    set_up();
    add_hello(MAX - 10, MAX - 11); /* two records */
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    set_up();
    add_hello(MAX - 9, MAX - 11);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(nine_bytes_are_enough_to_see_that_it_is_going_to_be_too_long)
{
    add_record(22, message(1, 131392), 4);
    for (size_t n = 0; n < 9; n++)
        ck_assert_int_eq(tls_hello_examine(&hello, bytes, n, 32768), TLS_HELLO_PART);
    ck_assert_int_eq(tls_hello_examine(&hello, bytes, 9, 32768), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(a_record_that_cannot_fit_is_too_long_by_its_header)
{
    add((unsigned char[]){22, 3, 1, 0x40, 0}, 5);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(no_limit_is_above_that_of_openssl)
{
    add_hello(TLS_HELLO_MESSAGE_MAX, 16384);
    ck_assert_int_eq(examine(SIZE_MAX), TLS_HELLO_WHOLE);
    set_up();
    add_hello(TLS_HELLO_MESSAGE_MAX + 1, 16384);
    ck_assert_int_eq(examine(SIZE_MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(a_hello_ends_with_its_record)
{
    add_record(22, message(1, 100), 101);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_UNALIGNED);
}
END_TEST

/* OpenSSL reads whole records: with less than one it would wait. */
START_TEST(recognises_other_records_once_they_are_complete)
{
    static const struct {
        unsigned char type, message;
    } others[] = {{20, 1}, {21, 1}, {23, 1}, {24, 1}, {22, 0}, {22, 2}, {22, 11}};
    add_record(others[_i].type, message(others[_i].message, 100), 100);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_OTHER);
}
END_TEST

START_TEST(refuses_another_record_in_the_middle_of_a_hello)
{
    add_record(22, message(1, 100), 50);
    add_record(21, "\1\0", 2);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_OTHER);
}
END_TEST

START_TEST(recognises_bytes_that_are_not_a_record_by_the_first_five)
{
    static const char *const other_protocols[] = {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0",
                                                  "\r\n\r\n\r\n", "\x16\x02\x00\x00\x10",
                                                  "\x16\x03\x01\xff\xff"};
    ck_assert_int_eq(tls_hello_examine(&hello, (const unsigned char *)other_protocols[_i], 4, MAX),
                     TLS_HELLO_PART);
    ck_assert_int_eq(tls_hello_examine(&hello, (const unsigned char *)other_protocols[_i], 5, MAX),
                     TLS_HELLO_OTHER);
}
END_TEST

START_TEST(the_form_of_ssl_2_has_an_end_too)
{
    add("\x80\x30\x01\x03\x03", 5);
    add(message(1, 45), 45);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    set_up();
    add("\xff\xff\x01\x03\x03", 5);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

START_TEST(the_second_hello_may_follow_change_cipher_spec_and_early_data)
{
    hello.second = true;
    add_record(20, "\1", 1);
    add_record(23, message(0, 300), 300);
    add_hello(512, 100);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_WHOLE);
    set_up();
    hello.second = true;
    add_record(21, "\2\50", 2);
    ck_assert_int_eq(examine_each(MAX), TLS_HELLO_OTHER);
    set_up();
    hello.second = true;
    for (int i = 0; i < 5; i++)
        add_record(23, message(0, 1000), 1000);
    ck_assert_int_eq(examine(MAX), TLS_HELLO_TOO_LONG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_hello");
    TCase *tc = tcase_create("end");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_loop_test(tc, finds_the_end_of_a_hello_in_pieces_of_any_size, 0, 9);
    tcase_add_test(tc, ignores_bytes_after_the_last_record);
    tcase_add_test(tc, empty_records_are_left_to_openssl_and_count);
    tcase_add_test(tc, a_hello_may_be_as_long_as_the_limit_with_its_record_headers);
    tcase_add_test(tc, nine_bytes_are_enough_to_see_that_it_is_going_to_be_too_long);
    tcase_add_test(tc, a_record_that_cannot_fit_is_too_long_by_its_header);
    tcase_add_test(tc, no_limit_is_above_that_of_openssl);
    tcase_add_test(tc, a_hello_ends_with_its_record);
    tcase_add_loop_test(tc, recognises_other_records_once_they_are_complete, 0, 7);
    tcase_add_test(tc, refuses_another_record_in_the_middle_of_a_hello);
    tcase_add_loop_test(tc, recognises_bytes_that_are_not_a_record_by_the_first_five, 0, 5);
    tcase_add_test(tc, the_form_of_ssl_2_has_an_end_too);
    tcase_add_test(tc, the_second_hello_may_follow_change_cipher_spec_and_early_data);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
