/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/terminal.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

enum { ROOM = 256 };

/* Types the n bytes; returns the number of characters. */
static size_t type(const char *bytes, size_t n, wchar_t ret[ROOM])
{
    struct terminal_keys keys = {.n = 0};
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        terminal_type(&keys, bytes[i]);
        while (terminal_next(&keys, &ret[count]))
            count++;
    }
    return count;
}

static void set_locale(const char *name)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, name));
    terminal_init();
}

START_TEST(characters_are_typed_as_such_in_the_c_locale_too)
{
    static const char *const locales[] = {"C", "POSIX", "C.UTF-8"};
    wchar_t line[ROOM];
    set_locale(locales[_i]);
    ck_assert_uint_eq(type("gr\xc3\xbc\xc3\x9f"
                           "e",
                           7, line),
                      5);
    ck_assert(wmemcmp(line,
                      L"gr\u00fc\u00df"
                      L"e",
                      5) == 0);
}
END_TEST

START_TEST(every_byte_that_is_typed_comes_back_in_any_locale)
{
    static const char *const locales[] = {"C", "C.UTF-8"};
    char bytes[ROOM * 2 + 2], typed[sizeof bytes * MB_LEN_MAX];
    wchar_t line[ROOM * 3];
    for (int i = 0; i < ROOM; i++) /* each byte alone, and in front of a letter */
        bytes[i * 2] = (char)i, bytes[i * 2 + 1] = 'a';
    set_locale(locales[_i]);
    for (int start = 0; start < 2 * ROOM; start += 64) {
        size_t n = type(bytes + start, 64, line);
        ck_assert_uint_eq(terminal_bytes(line, n, typed), 64);
        ck_assert_mem_eq(typed, bytes + start, 64);
    }
    if (_i == 0)
        setlocale(LC_CTYPE, "C"); /* where there is no C.UTF-8 */
    for (int start = 0; start < 2 * ROOM; start += 64) {
        size_t n = type(bytes + start, 64, line);
        ck_assert_uint_eq(terminal_bytes(line, n, typed), 64);
        ck_assert_mem_eq(typed, bytes + start, 64);
    }
}
END_TEST

START_TEST(bytes_that_an_editor_interprets_are_typed_as_bytes)
{
    static const wchar_t expected[] = {0x16, 0xdc00, 0xdcc2, 0xdc9b, 0xdcff, 0xdcc3, L'a', 0};
    wchar_t line[ROOM];
    set_locale("C.UTF-8");
    ck_assert_uint_eq(type("\x16\0\xc2\x9b\xff\xc3"
                           "a\0",
                           8, line),
                      8);
    ck_assert(wmemcmp(line, expected, 8) == 0);
}
END_TEST

static const struct {
    const char *data, *shown;
} screens[] = {
    {"plain\ttext\n", "plain\ttext\n"},
    {"220 ready\r\nx\r\n", "220 ready\nx\n"},
    {"100%\r200%\n", "100%\\x0d200%\n"},
    {"\r\r\n", "\\x0d\n"},
    {"\x1b]0;owned\x07\x1b[2Jx", "\\x1b]0;owned\\x07\\x1b[2Jx"},
    {"gr\xc3\xbc\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x98\x80 \xe0\xa4\x80",
     "gr\xc3\xbc\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x98\x80 \xe0\xa4\x80"},
    {"\xc2\x9b"
     "2J\xe2\x80\xae\xe2\x80\xa8",
     "\\u009b2J\\u202e\\u2028"},
    {"\xff\xc3"
     "a\xe2\x82"
     "b\xf0\x9f\x98"
     "c\xed\xa0\x80",
     "\\xff\\xc3a\\xe2\\x82b\\xf0\\x9f\\x98"
     "c\\xed\\xa0\\x80"},
    {"ends early \xf0\x9f\x98", "ends early \\xf0\\x9f\\x98"},
    {"ends in \r", "ends in \\x0d"},
};

/* In pieces of any size: a character in two pieces is one character. */
START_TEST(shows_received_bytes_without_control_characters)
{
    size_t length = strlen(screens[_i].data);
    for (size_t part = 1; part <= length; part++) {
        struct terminal_screen screen = {.n = 0};
        char *shown = NULL;
        size_t size;
        FILE *out = open_memstream(&shown, &size);
        for (size_t at = 0; at < length; at += part) {
            size_t n = length - at < part ? length - at : part;
            terminal_show(&screen, (const unsigned char *)screens[_i].data + at, n, out);
        }
        terminal_show(&screen, NULL, 0, out);
        fclose(out);
        ck_assert_str_eq(shown, screens[_i].shown);
        free(shown);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("terminal");
    tcase_add_loop_test(tcase, characters_are_typed_as_such_in_the_c_locale_too, 0, 3);
    tcase_add_loop_test(tcase, every_byte_that_is_typed_comes_back_in_any_locale, 0, 2);
    tcase_add_test(tcase, bytes_that_an_editor_interprets_are_typed_as_bytes);
    tcase_add_loop_test(tcase, shows_received_bytes_without_control_characters, 0, COUNT(screens));

    Suite *suite = suite_create("terminal");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
