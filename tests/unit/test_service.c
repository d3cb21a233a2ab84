/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/service.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

static void every_byte(unsigned char ret[256])
{
    for (int i = 0; i < 256; i++)
        ret[i] = (unsigned char)i;
}

START_TEST(finds_each_service_by_its_name)
{
    ck_assert_ptr_eq(service_find("echo"), &service_echo);
    ck_assert_ptr_eq(service_find("upper"), &service_upper);
    for (size_t i = 0; service_name(i); i++)
        ck_assert_str_eq(service_find(service_name(i))->name, service_name(i));
}
END_TEST

START_TEST(finds_nothing_by_another_name)
{
    static const char *const names[] = {"", "ech", "echoo", "ECHO", "upper "};
    ck_assert_ptr_null(service_find(names[_i]));
}
END_TEST

START_TEST(lists_the_names_and_ends)
{
    ck_assert_str_eq(service_name(0), "echo");
    ck_assert_str_eq(service_name(1), "upper");
    ck_assert_ptr_null(service_name(2));
    ck_assert_ptr_null(service_name(SIZE_MAX));
}
END_TEST

START_TEST(echo_owes_every_byte_unchanged)
{
    unsigned char data[256], same[256];
    every_byte(data);
    every_byte(same);
    ck_assert_uint_eq(service_echo.answer(data, sizeof data), sizeof data);
    ck_assert_mem_eq(data, same, sizeof data);
}
END_TEST

START_TEST(upper_raises_the_letters_and_owes_as_many_bytes)
{
    unsigned char data[256], raised[256];
    every_byte(data);
    every_byte(raised);
    memcpy(raised + 'a', "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26);
    ck_assert_uint_eq(service_upper.answer(data, sizeof data), sizeof data);
    ck_assert_mem_eq(data, raised, sizeof data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *tcase = tcase_create("service");
    tcase_add_test(tcase, finds_each_service_by_its_name);
    tcase_add_loop_test(tcase, finds_nothing_by_another_name, 0, 5);
    tcase_add_test(tcase, lists_the_names_and_ends);
    tcase_add_test(tcase, echo_owes_every_byte_unchanged);
    tcase_add_test(tcase, upper_raises_the_letters_and_owes_as_many_bytes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
