/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/quantity.h"

#include <check.h>
#include <string.h>

#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static int parse_time(const char *text, uint64_t *ret, struct error *err)
{
    return quantity_parse_time(text, QUANTITY_BARE_REFUSED, ret, err);
}

static int parse_bare(const char *text, uint64_t *ret, struct error *err)
{
    return quantity_parse_time(text, QUANTITY_BARE_SECONDS, ret, err);
}

typedef int parses(const char *text, uint64_t *ret, struct error *err);

static const struct {
    parses *parse;
    const char *text;
    uint64_t value;
} right[] = {
    {quantity_parse_count, "0", 0},
    {quantity_parse_count, "0010", 10},
    {quantity_parse_count, "1e6", 1000000},
    {quantity_parse_count, "18446744073709551615", UINT64_MAX},
    {quantity_parse_size, "0", 0},
    {quantity_parse_size, "65536", 65536},
    {quantity_parse_size, "64K", 65536},
    {quantity_parse_size, "64KiB", 65536},
    {quantity_parse_size, "3MiB", 3 << 20},
    {quantity_parse_size, "2GiB", UINT64_C(2) << 30},
    {quantity_parse_size, "64k", 64000},
    {quantity_parse_size, "3M", 3000000},
    {quantity_parse_size, "2G", 2000000000},
    {quantity_parse_size, "1.5k", 1500},
    {quantity_parse_size, "0.5KiB", 512},
    {quantity_parse_size, "1.0", 1},
    {quantity_parse_size, "1e3", 1000},
    {quantity_parse_size, "1.50e+2", 150},
    {quantity_parse_size, "17179869183GiB", UINT64_C(17179869183) << 30},
    {parse_time, "0", 0},
    {parse_time, "0.0", 0},
    {parse_time, "0s", 0},
    {parse_time, "250ms", 250},
    {parse_time, "10s", 10000},
    {parse_time, "5m", 300000},
    {parse_time, "2h", 7200000},
    {parse_time, "365d", UINT64_C(31536000000)},
    {parse_time, "1.5s", 1500},
    {parse_time, "1e-1s", 100},
    {parse_time, "0.1ms", 1}, /* rounded up: 0 would mean none */
    {parse_time, "1e-999d", 1},
    {parse_time, "1000.1ms", 1001},
    {parse_bare, "0", 0},
    {parse_bare, "10", 10000},
    {parse_bare, "0.2", 200},
    {parse_bare, ".5", 500},
    {parse_bare, "2.", 2000},
    {parse_bare, "1e-1", 100},
    {parse_bare, "1E1", 10000},
    {parse_bare, "1.000000000000000000", 1000},
    {parse_bare, "500ms", 500},
};

START_TEST(reads_numbers_with_their_units)
{
    uint64_t value;
    struct error err;
    ck_assert_int_eq(right[_i].parse(right[_i].text, &value, &err), 0);
    ck_assert_uint_eq(value, right[_i].value);
}
END_TEST

static const struct {
    parses *parse;
    const char *text, *reason;
} wrong[] = {
    {quantity_parse_count, "", "\"\" is not a number: write digits only"},
    {quantity_parse_count, "-1", "\"-1\" is not a number"},
    {quantity_parse_count, "+1", "\"+1\" is not a number"},
    {quantity_parse_count, " 1", "\" 1\" is not a number"},
    {quantity_parse_count, "1 ", "\"1 \" is not a number"},
    {quantity_parse_count, "1k", "\"1k\" is not a number"},
    {quantity_parse_count, "1.5", "\"1.5\" is not a number"},
    {quantity_parse_count, "0x10", "\"0x10\" is not a number"},
    {quantity_parse_count, "18446744073709551616", "\"18446744073709551616\" is too large"},
    {quantity_parse_count, "1e20", "\"1e20\" is too large"},
    {quantity_parse_count, "1e9999999999999", "\"1e9999999999999\" is too large"},
    {quantity_parse_count, "99999999999999999999999999999999999",
     "\"9999999999999999999999999999..."},
    {quantity_parse_count, "1\x1b[2J", "\"1\\x1b[2J\" is not a number"},
    {quantity_parse_size, "", "\"\" is not a size"},
    {quantity_parse_size, "KiB", "\"KiB\" is not a size"},
    {quantity_parse_size, "64kb",
     "\"64kb\" is not a size: write whole bytes, or a number with K, KiB"},
    {quantity_parse_size, "64 KiB", "\"64 KiB\" is not a size"},
    {quantity_parse_size, "1.5", "\"1.5\" is not a size"},
    {quantity_parse_size, "0.1KiB", "\"0.1KiB\" is not a size"},
    {quantity_parse_size, "64KiBx", "\"64KiBx\" is not a size"},
    {quantity_parse_size, "99999999999999999999GB", "\"99999999999999999999GB\" is not a size"},
    {quantity_parse_size, "17179869184GiB", "\"17179869184GiB\" is too large"},
    {parse_time, "", "\"\" is not a time"},
    {parse_time, "10", "\"10\" has no unit: write ms, s, m, h or d after it, such as 10s"},
    {parse_time, "0.1", "\"0.1\" has no unit"},
    {parse_time, "10S", "\"10S\" is not a time: write a number with ms, s"},
    {parse_time, "10 s", "\"10 s\" is not a time"},
    {parse_time, "99999999999999999999s", "\"99999999999999999999s\" is too large"},
    {parse_time, "213503982335d", "\"213503982335d\" is too large"},
    {parse_bare, "", "\"\" is not a time"},
    {parse_bare, ".", "\".\" is not a time"},
    {parse_bare, "1.2.3", "\"1.2.3\" is not a time"},
    {parse_bare, "1e", "\"1e\" is not a time"},
    {parse_bare, "1e-", "\"1e-\" is not a time"},
    {parse_bare, "-1", "\"-1\" is not a time"},
    {parse_bare, "1,5", "\"1,5\" is not a time"},
    {parse_bare, "inf", "\"inf\" is not a time"},
    {parse_bare, "nan", "\"nan\" is not a time"},
    {parse_bare, "0x1p4", "\"0x1p4\" is not a time"},
};

START_TEST(refuses_other_text_with_an_example_of_a_number)
{
    uint64_t value = 42;
    struct error err;
    ck_assert_int_eq(wrong[_i].parse(wrong[_i].text, &value, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(err.text, wrong[_i].reason, strlen(wrong[_i].reason)) == 0, "%s",
                  err.text);
    ck_assert_msg(value == 42, "untouched on failure");
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
        char text[QUANTITY_BYTES];
        quantity_size_text(cases[i].bytes, text);
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
        char text[QUANTITY_BYTES];
        quantity_time_text(cases[i].ms, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(groups_the_digits_of_a_number_for_people)
{
    char text[QUANTITY_BYTES];
    ck_assert_str_eq(quantity_grouped_text(0, text), "0");
    ck_assert_str_eq(quantity_grouped_text(999, text), "999");
    ck_assert_str_eq(quantity_grouped_text(1492, text), "1,492");
    ck_assert_str_eq(quantity_grouped_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(reads_a_number_with_a_fraction)
{
    struct error err;
    double number = 0;
    ck_assert_int_eq(quantity_parse_real("2.5", &number, &err), 0);
    ck_assert_double_eq_tol(number, 2.5, 1e-12);
    ck_assert_int_eq(quantity_parse_real("1e-1", &number, &err), 0);
    ck_assert_double_eq_tol(number, 0.1, 1e-12);
    static const char *const refused[] = {"", "x", "-1", "nan", "inf", "0x10", "1 ", "1k"};
    for (int i = 0; i < COUNT(refused); i++)
        ck_assert_msg(quantity_parse_real(refused[i], &number, &err) < 0, "%s", refused[i]);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("quantity");
    tcase_add_loop_test(tcase, reads_numbers_with_their_units, 0, COUNT(right));
    tcase_add_loop_test(tcase, refuses_other_text_with_an_example_of_a_number, 0, COUNT(wrong));
    tcase_add_test(tcase, writes_a_size_in_the_largest_unit_without_a_remainder);
    tcase_add_test(tcase, writes_a_time_in_the_largest_unit_without_a_remainder);
    tcase_add_test(tcase, groups_the_digits_of_a_number_for_people);
    tcase_add_test(tcase, reads_a_number_with_a_fraction);

    Suite *suite = suite_create("quantity");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
