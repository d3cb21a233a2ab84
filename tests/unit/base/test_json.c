/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/json.h"

#include <check.h>
#include <string.h>

#include "suite.h"

enum { ROOM = 512 };

static void escape(const char *text, char ret[ROOM])
{
    char piece[JSON_PIECE_BYTES];
    size_t used = 0, n;
    while ((n = json_escape(&text, piece)) > 0) {
        ck_assert_uint_le(n, sizeof piece);
        memcpy(ret + used, piece, n);
        used += n;
    }
    ret[used] = '\0';
}

START_TEST(escapes_quotes_and_control_characters)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"a\"b\\c", "a\\\"b\\\\c"},
        {"\n\x1b[2J", "\\u000a\\u001b[2J"},
        {"\x7f", "\\u007f"},
        {"\xc2\x9b", "\\u009b"}, /* C1 */
        {"\xe2\x80\xae", "\\u202e"},
        {"\xe2\x80\xa8", "\\u2028"},
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41"}, /* U+E0041 as two surrogates */
        {"Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}, /* four bytes */
        {"\xff\xc0\xaf", "\\ufffd\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"}, /* a surrogate */
        {"\xe2\x82", "\\ufffd\\ufffd"},            /* cut short */
    };
    char escaped[ROOM];
    escape(cases[_i].text, escaped);
    ck_assert_str_eq(escaped, cases[_i].expected);
}
END_TEST

/* Every kind of value at every kind of place. */
static size_t write_all(void *data, size_t size, uint64_t skip)
{
    struct json json;
    json_begin(&json, data, size, skip);
    json_open(&json, NULL);
    json_number(&json, "schema", 1);
    json_text(&json, "text", "a\"\n");
    json_open(&json, "empty");
    json_close(&json);
    json_open_array(&json, "list");
    json_text(&json, NULL, "x");
    json_text(&json, NULL, "y");
    json_open(&json, NULL);
    json_switch(&json, "on", true);
    json_close(&json);
    json_close_array(&json);
    json_switch(&json, "off", false);
    json_close(&json);
    json_newline(&json);
    return json.n;
}

static const char whole[] = "{\"schema\":1,\"text\":\"a\\\"\\u000a\",\"empty\":{},"
                            "\"list\":[\"x\",\"y\",{\"on\":true}],\"off\":false}\n";

START_TEST(writes_objects_arrays_and_values)
{
    char text[ROOM];
    ck_assert_uint_eq(write_all(text, sizeof text, 0), strlen(whole));
    ck_assert_mem_eq(text, whole, strlen(whole));
}
END_TEST

START_TEST(windows_of_any_size_make_up_the_same_text)
{
    char text[ROOM];
    size_t used = 0, n;
    while ((n = write_all(text + used, (size_t)_i, used)) > 0)
        used += n;
    ck_assert_uint_eq(used, strlen(whole));
    ck_assert_mem_eq(text, whole, used);
}
END_TEST

START_TEST(writes_the_same_as_a_table_of_html_through_any_window)
{
    static const char expected[] = "<h1><table><tr><th>a&lt;<td>&quot;&#39;&amp;\\x1b<tr><th>n<td>"
                                   "7<tr><th>o<td><table><tr><th>s"
                                   "<td>true</table><tr><th>l<td><ul><li>x<li>y</"
                                   "ul><tr><th>p<td><table><tr><th>N<td>v<tr><th>N"
                                   "<td>w</table></table>";
    char text[ROOM];
    size_t used = 0;
    struct json json;
    do {
        json_begin_html(&json, text + used, (size_t)_i, used);
        json_raw(&json, "<h1>");
        json_open(&json, NULL);
        json_text(&json, "a<", "\"'&\x1b");
        json_number(&json, "n", 7);
        json_open(&json, "o");
        json_switch(&json, "s", true);
        json_close(&json);
        json_open_array(&json, "l");
        json_text(&json, NULL, "x");
        json_text(&json, NULL, "y");
        json_close_array(&json);
        json_open_pairs(&json, "p");
        json_pair(&json, "N", "v");
        json_pair(&json, "N", "w");
        json_close_pairs(&json);
        json_close(&json);
        used += json.n;
    } while (json.n > 0);
    text[used] = '\0';
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(pairs_are_objects_with_a_name_and_a_value)
{
    char text[ROOM];
    struct json json;
    json_begin(&json, text, sizeof text, 0);
    json_open_pairs(&json, NULL);
    json_pair(&json, "N", "v");
    json_pair(&json, "N", "\"");
    json_close_pairs(&json);
    text[json.n] = '\0';
    ck_assert_str_eq(text,
                     "[{\"name\":\"N\",\"value\":\"v\"},{\"name\":\"N\",\"value\":\"\\\"\"}]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    tcase_add_loop_test(tcase, escapes_quotes_and_control_characters, 0, 14);
    tcase_add_test(tcase, writes_objects_arrays_and_values);
    tcase_add_loop_test(tcase, windows_of_any_size_make_up_the_same_text, 1, 20);
    tcase_add_loop_test(tcase, writes_the_same_as_a_table_of_html_through_any_window, 1, 20);
    tcase_add_test(tcase, pairs_are_objects_with_a_name_and_a_value);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
