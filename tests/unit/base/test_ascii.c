/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/base/ascii.h"

START_TEST(raises_the_26_letters_and_no_other_byte)
{
    setlocale(LC_ALL, _i ? "" : "C");
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    ascii_upper(all, sizeof all);
    for (int i = 0; i < 256; i++) {
        bool letter = memchr("abcdefghijklmnopqrstuvwxyz", i, 26);
        ck_assert_int_eq(all[i], letter ? i - 'a' + 'A' : i);
    }
}
END_TEST

START_TEST(lowers_the_26_letters_and_no_other_byte)
{
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    ascii_lower(all, sizeof all);
    for (int i = 0; i < 256; i++) {
        bool letter = memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ", i, 26);
        ck_assert_int_eq(all[i], letter ? i - 'A' + 'a' : i);
    }
}
END_TEST

START_TEST(stops_at_the_given_length)
{
    unsigned char text[] = "abc";
    ascii_upper(text, 2);
    ck_assert_str_eq((char *)text, "ABc");
    ascii_upper(text, 0);
    ck_assert_str_eq((char *)text, "ABc");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ascii");
    TCase *tcase = tcase_create("ascii");
    tcase_add_loop_test(tcase, raises_the_26_letters_and_no_other_byte, 0, 2);
    tcase_add_test(tcase, lowers_the_26_letters_and_no_other_byte);
    tcase_add_test(tcase, stops_at_the_given_length);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
