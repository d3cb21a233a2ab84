/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/text.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

enum { ROOM = 256 };

START_TEST(decodes_a_character_of_each_length)
{
    static const struct {
        const char *text;
        uint32_t code;
    } cases[] = {
        {"a", 'a'},
        {"\xc2\x80", 0x80},
        {"\xdf\xbf", 0x7ff},
        {"\xe0\xa0\x80", 0x800},
        {"\xed\x9f\xbf", 0xd7ff},
        {"\xee\x80\x80", 0xe000},
        {"\xf0\x90\x80\x80", 0x10000},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        uint32_t code;
        size_t length = strlen(cases[i].text);
        ck_assert_uint_eq(text_decode(cases[i].text, length, &code), length);
        ck_assert_uint_eq(code, cases[i].code);
        ck_assert_uint_eq(text_decode(cases[i].text, length - 1, &code), 0); /* cut short */
    }
    uint32_t code;
    ck_assert_uint_eq(text_decode("\0b", 2, &code), 1);
    ck_assert_uint_eq(code, 0);
}
END_TEST

/* Bytes with which no character begins. */
static const char *const malformed[] = {
    "\x80", /* continues nothing */
    "\xc3g",
    "\xe2\x82g",
    "\xf0\x90\x80g",
    "\xc0\xaf", /* longer than needed */
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xed\xa0\x80", /* a surrogate */
    "\xed\xbf\xbf",
    "\xf4\x90\x80\x80", /* beyond Unicode */
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xff",
};

START_TEST(decodes_nothing_from_malformed_bytes)
{
    uint32_t code;
    ck_assert_uint_eq(text_decode(malformed[_i], strlen(malformed[_i]), &code), 0);
    ck_assert(!text_printable(malformed[_i]));
}
END_TEST

/* First and last of each range, and their neighbours, which are printable. */
static const struct {
    uint32_t first, last;
} unprintable[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},         {0x34f, 0x34f},
    {0x61c, 0x61c},     {0x115f, 0x1160},   {0x17b4, 0x17b5},     {0x180b, 0x180f},
    {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},     {0x3164, 0x3164},
    {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},     {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x1bca0, 0x1bca3},   {0x1d173, 0x1d17a},
    {0x1fffe, 0x1ffff}, {0xdfffe, 0xe0fff}, {0x10fffe, 0x10ffff},
};

START_TEST(a_terminal_gets_no_control_and_no_invisible_character)
{
    for (uint32_t code = unprintable[_i].first; code <= unprintable[_i].last; code++)
        ck_assert_msg(!text_code_printable(code), "U+%04X", (unsigned)code);
    ck_assert(unprintable[_i].first == 0 || text_code_printable(unprintable[_i].first - 1));
    ck_assert(text_code_printable(unprintable[_i].last + 1));
}
END_TEST

START_TEST(finds_letters_of_every_script_printable)
{
    static const char *const texts[] = {"",
                                        " a~",
                                        "\xc2\xa0",
                                        ("Gr\xc3\xbc\xc3\x9f"
                                         "e"),
                                        "\xd7\xa9\xd7\x9c",
                                        "\xe4\xb8\xad\xe6\x96\x87",
                                        "\xf0\x9f\x98\x80",
                                        "\xef\xbf\xbd"};
    for (int i = 0; i < COUNT(texts); i++)
        ck_assert_msg(text_printable(texts[i]), "text %d", i);
    ck_assert(!text_printable("a\nb"));
    ck_assert(!text_printable("abc\xe2\x80\xae"
                              "cba"));
    ck_assert(!text_printable("cut short \xe2\x82"));
}
END_TEST

static const struct {
    const char *text, *expected;
} escapes[] = {
    {"plain \\ \" text", "plain \\ \" text"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e \xf0\x9f\x98\x80",
     "Gr\xc3\xbc\xc3\x9f"
     "e \xf0\x9f\x98\x80"},
    {"\x1b[2J\a\r\n\t\x7f", "\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7f"},
    {"\xc2\x9b"
     "2J",
     "\\u009b2J"},
    {"a\xe2\x80\xae"
     "b\xe2\x81\xa6\xd8\x9c",
     "a\\u202eb\\u2066\\u061c"},
    {"a\xe2\x80\xa8\xe2\x80\xa9", "a\\u2028\\u2029"},
    {"\xef\xbb\xbf\xe2\x80\x8b", "\\ufeff\\u200b"},
    {"\xf3\xa0\x81\x81", "\\U000e0041"},
    {"\xff\xc0\xaf\xed\xa0\x80\xe2\x82", "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82"},
};

START_TEST(escapes_control_and_invisible_characters)
{
    char text[ROOM], again[ROOM];
    size_t length = text_copy(escapes[_i].text, strlen(escapes[_i].text), text, sizeof text);
    ck_assert_str_eq(text, escapes[_i].expected);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert(text_printable(text));
    text_copy(text, strlen(text), again, sizeof again);
    ck_assert_str_eq(again, text);
}
END_TEST

START_TEST(escapes_a_nul_in_the_middle)
{
    char text[ROOM];
    ck_assert_uint_eq(text_copy("a\0b", 3, text, sizeof text), strlen("a\\x00b"));
    ck_assert_str_eq(text, "a\\x00b");
    ck_assert_uint_eq(text_copy("", 0, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(cuts_a_long_text_between_characters)
{
    char brief[TEXT_BRIEF_BYTES];
    text_brief("1234567890123456789012345678901", brief);
    ck_assert_str_eq(brief, "1234567890123456789012345678901");
    text_brief("12345678901234567890123456789012", brief);
    ck_assert_str_eq(brief, "1234567890123456789012345678...");
    text_brief("123456789012345678901234567\xc3\xa4 and more", brief);
    ck_assert_str_eq(brief, "123456789012345678901234567...");
}
END_TEST

/* Whatever the room: what stands there is the beginning of the whole, in whole characters and
 * escapes, and "..." at the end if and only if something is missing. */
START_TEST(cuts_escapes_as_a_whole_whatever_the_room)
{
    static const char text[] = "a\x1b"
                               "b\xe2\x80\xae\xf3\xa0\x81\x81"
                               "\xc3\xa4\xff"
                               "cdef";
    char whole[ROOM], part[ROOM];
    size_t all = text_copy(text, strlen(text), whole, sizeof whole);
    for (size_t size = 4; size <= all + 1; size++) {
        memset(part, '#', sizeof part);
        size_t n = text_copy(text, strlen(text), part, size);
        ck_assert_uint_lt(n, size);
        ck_assert_uint_eq(strlen(part), n);
        ck_assert_int_eq(part[size], '#');
        ck_assert(text_printable(part));
        bool cut = size <= all;
        ck_assert_mem_eq(part, whole, n - (cut ? 3 : 0));
        ck_assert_int_eq(n >= 3 && strcmp(part + n - 3, "...") == 0, cut);
    }
}
END_TEST

START_TEST(finds_the_line_of_text_that_bytes_begin_with)
{
    static const struct {
        const char *bytes;
        size_t length;
    } lines[] = {
        {"SSH-2.0-x\r\n", 9}, {"220 mail\n", 8}, {"abc", 3},          {"ab\n", 0},        {"ab", 0},
        {"abc\tdef", 3},      {"abc\x01", 0},    {"\x15\x03\x01", 0}, {"abc\xc3\xa9", 0}, {"", 0},
        {"\nabc", 0}};
    for (size_t i = 0; i < COUNT(lines); i++)
        ck_assert_uint_eq(text_line_length(lines[i].bytes, strlen(lines[i].bytes)),
                          lines[i].length);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, decodes_a_character_of_each_length);
    tcase_add_loop_test(tcase, decodes_nothing_from_malformed_bytes, 0, COUNT(malformed));
    tcase_add_loop_test(tcase, a_terminal_gets_no_control_and_no_invisible_character, 0,
                        COUNT(unprintable));
    tcase_add_test(tcase, finds_letters_of_every_script_printable);
    tcase_add_loop_test(tcase, escapes_control_and_invisible_characters, 0, COUNT(escapes));
    tcase_add_test(tcase, escapes_a_nul_in_the_middle);
    tcase_add_test(tcase, cuts_a_long_text_between_characters);
    tcase_add_test(tcase, cuts_escapes_as_a_whole_whatever_the_room);
    tcase_add_test(tcase, finds_the_line_of_text_that_bytes_begin_with);

    Suite *suite = suite_create("text");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
