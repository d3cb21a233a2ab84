/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/config_value.h"

#include <check.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

typedef int reads(const char *text, uint64_t *ret, struct error *err);

static const struct {
    reads *read;
    const char *text;
    uint64_t value;
} right[] = {
    {config_value_count, "0", 0},
    {config_value_count, "0010", 10},
    {config_value_count, "18446744073709551615", UINT64_MAX},
    {config_value_size, "0", 0},
    {config_value_size, "65536", 65536},
    {config_value_size, "64KiB", 65536},
    {config_value_size, "3MiB", 3 << 20},
    {config_value_size, "2GiB", UINT64_C(2) << 30},
    {config_value_size, "64k", 64000},
    {config_value_size, "3M", 3000000},
    {config_value_size, "2G", 2000000000},
    {config_value_size, "17179869183GiB", UINT64_C(17179869183) << 30},
    {config_value_time, "0", 0},
    {config_value_time, "0s", 0},
    {config_value_time, "250ms", 250},
    {config_value_time, "10s", 10000},
    {config_value_time, "5m", 300000},
    {config_value_time, "2h", 7200000},
    {config_value_time, "365d", UINT64_C(31536000000)},
};

START_TEST(reads_numbers_with_their_units)
{
    uint64_t value;
    struct error err;
    ck_assert_int_eq(right[_i].read(right[_i].text, &value, &err), 0);
    ck_assert_uint_eq(value, right[_i].value);
}
END_TEST

static const struct {
    reads *read;
    const char *text, *reason;
} wrong[] = {
    {config_value_count, "", "\"\" is no number: write digits only"},
    {config_value_count, "-1", "\"-1\" is no number"},
    {config_value_count, "+1", "\"+1\" is no number"},
    {config_value_count, " 1", "\" 1\" is no number"},
    {config_value_count, "1 ", "\"1 \" is no number"},
    {config_value_count, "1k", "\"1k\" is no number"},
    {config_value_count, "0x10", "\"0x10\" is no number"},
    {config_value_count, "18446744073709551616", "\"18446744073709551616\" is no number"},
    {config_value_count, "99999999999999999999999999999999999",
     "\"9999999999999999999999999999..."},
    {config_value_size, "", "\"\" is no size"},
    {config_value_size, "KiB", "\"KiB\" is no size"},
    {config_value_size, "64kb", "\"64kb\" is no size: write a whole number of bytes, or one with"},
    {config_value_size, "64 KiB", "\"64 KiB\" is no size"},
    {config_value_size, "1.5MiB", "\"1.5MiB\" is no size"},
    {config_value_size, "64KiBx", "\"64KiBx\" is no size"},
    {config_value_size, "17179869184GiB", "\"17179869184GiB\" is no size"},
    {config_value_time, "", "\"\" is no time"},
    {config_value_time, "10", "\"10\" has no unit: write ms, s, m, h or d behind it, such as 10s"},
    {config_value_time, "10S", "\"10S\" is no time: write a whole number with"},
    {config_value_time, "1.5s", "\"1.5s\" is no time"},
    {config_value_time, "10 s", "\"10 s\" is no time"},
    {config_value_time, "213503982335d", "\"213503982335d\" is no time"},
};

START_TEST(refuses_what_is_no_number_and_says_what_would_be_right)
{
    uint64_t value = 42;
    struct error err;
    ck_assert_int_eq(wrong[_i].read(wrong[_i].text, &value, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(err.text, wrong[_i].reason, strlen(wrong[_i].reason)) == 0, "%s",
                  err.text);
    ck_assert_msg(value == 42, "untouched on failure");
}
END_TEST

START_TEST(reads_a_switch_in_three_spellings)
{
    static const char *const words[2][3] = {{"off", "false", "no"}, {"on", "true", "yes"}};
    struct error err;
    for (int on = 0; on < 2; on++) {
        for (int i = 0; i < 3; i++) {
            bool value = !on;
            ck_assert_int_eq(config_value_switch(words[on][i], &value, &err), 0);
            ck_assert_int_eq(value, on);
        }
    }
}
END_TEST

START_TEST(refuses_any_other_word_as_a_switch)
{
    static const char *const words[] = {"", "On", "1", "y", "o", "onn"};
    bool value;
    struct error err;
    ck_assert_int_eq(config_value_switch(words[_i], &value, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is no switch: write on or off"));
}
END_TEST

START_TEST(writes_a_size_in_the_largest_unit_without_a_remainder)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "1"},
                 {1023, "1023"},
                 {1000, "1k"},
                 {65536, "64KiB"},
                 {64000, "64k"},
                 {1024000, "1000KiB"},
                 {3 << 20, "3MiB"},
                 {1000000, "1M"},
                 {1u << 30, "1GiB"},
                 {2000000000, "2G"},
                 {UINT64_MAX, "18446744073709551615"}};
    for (int i = 0; i < COUNT(cases); i++) {
        char text[CONFIG_VALUE_BYTES];
        config_value_size_text(cases[i].bytes, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(writes_a_time_in_the_largest_unit_without_a_remainder)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "1ms"},
                 {1500, "1500ms"},
                 {10000, "10s"},
                 {75000, "75s"},
                 {300000, "5m"},
                 {7200000, "2h"},
                 {86400000, "1d"},
                 {UINT64_MAX, "18446744073709551615ms"},
                 {32767000, "32767s"}};
    for (int i = 0; i < COUNT(cases); i++) {
        char text[CONFIG_VALUE_BYTES];
        config_value_time_text(cases[i].ms, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(cuts_a_long_text_between_characters)
{
    char brief[CONFIG_VALUE_BYTES];
    config_value_brief("1234567890123456789012345678901", brief);
    ck_assert_str_eq(brief, "1234567890123456789012345678901");
    config_value_brief("12345678901234567890123456789012", brief);
    ck_assert_str_eq(brief, "1234567890123456789012345678...");
    config_value_brief("123456789012345678901234567\xc3\xa4 and more", brief);
    ck_assert_str_eq(brief, "123456789012345678901234567...");
}
END_TEST

START_TEST(finds_well_formed_utf8_printable)
{
    static const char *const texts[] = {"",
                                        " a~",
                                        "\xc2\xa0",
                                        "\xc3\xa4",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbd",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    for (int i = 0; i < COUNT(texts); i++)
        ck_assert_msg(config_value_printable(texts[i]), "text %d", i);
}
END_TEST

START_TEST(finds_control_characters_and_broken_utf8_unprintable)
{
    static const char *const texts[] = {"a\nb",
                                        "\t",
                                        "\x1f",
                                        "\x7f",
                                        "\xc2\x80",     /* the first of C1 */
                                        "\xc2\x85",     /* next line */
                                        "\xc2\x9f",     /* the last of C1 */
                                        "\xe2\x80\xa8", /* line separator */
                                        "\xe2\x80\xa9", /* paragraph separator */
                                        "\xef\xbb\xbf", /* byte order mark */
                                        "\xef\xbf\xbe", /* noncharacters */
                                        "\xef\xbf\xbf",
                                        "\x80", /* continues nothing */
                                        "\xc3", /* ends early */
                                        "\xe2\x82",
                                        "\xf0\x90\x80",
                                        "\xc3g",
                                        "\xc0\xaf", /* longer than needed */
                                        "\xc1\xbf",
                                        "\xe0\x9f\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xed\xa0\x80",     /* a surrogate */
                                        "\xf4\x90\x80\x80", /* beyond Unicode */
                                        "\xf8\x88\x80\x80\x80",
                                        "\xff"};
    for (int i = 0; i < COUNT(texts); i++)
        ck_assert_msg(!config_value_printable(texts[i]), "text %d", i);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config_value");
    tcase_add_loop_test(tcase, reads_numbers_with_their_units, 0, COUNT(right));
    tcase_add_loop_test(tcase, refuses_what_is_no_number_and_says_what_would_be_right, 0,
                        COUNT(wrong));
    tcase_add_test(tcase, reads_a_switch_in_three_spellings);
    tcase_add_loop_test(tcase, refuses_any_other_word_as_a_switch, 0, 6);
    tcase_add_test(tcase, writes_a_size_in_the_largest_unit_without_a_remainder);
    tcase_add_test(tcase, writes_a_time_in_the_largest_unit_without_a_remainder);
    tcase_add_test(tcase, cuts_a_long_text_between_characters);
    tcase_add_test(tcase, finds_well_formed_utf8_printable);
    tcase_add_test(tcase, finds_control_characters_and_broken_utf8_unprintable);

    Suite *suite = suite_create("config_value");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
