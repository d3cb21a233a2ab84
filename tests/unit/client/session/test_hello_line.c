/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/client/hello_line.h"

static struct hello_line line;
static size_t used;

static void set_up(void)
{
    line = (struct hello_line){.n = 0};
}

static bool take(const char *text)
{
    return hello_line_take(&line, (const unsigned char *)text, strlen(text), &used);
}

START_TEST(takes_the_line_and_leaves_the_echo)
{
    ck_assert(take("{\"schema\":1}\nabc\n"));
    ck_assert_uint_eq(used, 13);
    ck_assert(line.complete);
    ck_assert(take("{\"schema\":2}\n"));
    ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(takes_it_byte_by_byte)
{
    static const char text[] = "{\"schema\":1,\"identity\":{}}\n";
    for (size_t i = 0; text[i]; i++) {
        ck_assert(!line.complete);
        ck_assert(take((char[]){text[i], '\0'}));
        ck_assert_uint_eq(used, 1);
    }
    ck_assert(line.complete);
    ck_assert_uint_eq(line.n, sizeof text - 1);
}
END_TEST

START_TEST(refuses_another_line_at_its_first_wrong_byte)
{
    static const char *const others[] = {"a",
                                         "\n",
                                         "{\n",
                                         "{}\n",
                                         "{\"name\"",
                                         "{ \"schema\":1}\n",
                                         "{\"schema\"=",
                                         "{\"schema\"\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        set_up();
        ck_assert_msg(!take(others[i]), "%s", others[i]);
    }
}
END_TEST

START_TEST(refuses_a_line_without_an_end)
{
    static char longest[HELLO_LINE_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest, "{\"schema\":", 10);
    ck_assert(!take(longest));
    set_up();
    longest[HELLO_LINE_BYTES_MAX - 1] = '\n';
    ck_assert(take(longest));
    ck_assert_uint_eq(used, HELLO_LINE_BYTES_MAX);
}
END_TEST

START_TEST(knows_a_stream_by_its_first_bytes)
{
    ck_assert(hello_line_begins((const unsigned char *)"{\"schema\":1,\"ti", 15));
    ck_assert(!hello_line_begins((const unsigned char *)"{\"schema\"", 9));
    ck_assert(!hello_line_begins((const unsigned char *)"{\"schema\" :1", 12));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hello_line");
    TCase *tcase = tcase_create("hello_line");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, takes_the_line_and_leaves_the_echo);
    tcase_add_test(tcase, takes_it_byte_by_byte);
    tcase_add_test(tcase, refuses_another_line_at_its_first_wrong_byte);
    tcase_add_test(tcase, refuses_a_line_without_an_end);
    tcase_add_test(tcase, knows_a_stream_by_its_first_bytes);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
