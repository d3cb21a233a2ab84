/* SPDX-License-Identifier: MIT */
#include "config_yaml.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static struct config_node *parsed(const char *text)
{
    struct config_node *root;
    struct error err;
    ck_assert_msg(config_yaml_parse("f", text, strlen(text), &root, &err) == 0, "%s: %s", text,
                  err.text);
    return root;
}

static void assert_place(struct config_place place, int line, int column)
{
    ck_assert_int_eq(place.line, line);
    ck_assert_int_eq(place.column, column);
}

static void assert_text(const struct config_node *node, const char *text, int line, int column)
{
    ck_assert_int_eq(node->kind, CONFIG_NODE_TEXT);
    ck_assert_str_eq(node->text, text);
    assert_place(node->place, line, column);
}

START_TEST(returns_every_key_and_value_with_its_place)
{
    struct config_node *root = parsed("# comment\n"
                                      "one: 1\n"
                                      "\xc3\xa4\xc3\xb6:   \"t wo\"\n"
                                      "list:\n"
                                      "  - a\n"
                                      "  - {b: c}\n");
    ck_assert_int_eq(root->kind, CONFIG_NODE_MAPPING);
    ck_assert_uint_eq(root->count, 3);
    assert_place(root->place, 2, 1);

    const struct config_node *child = root->first;
    ck_assert_str_eq(child->key, "one");
    assert_place(child->key_place, 2, 1);
    assert_text(child, "1", 2, 6);

    child = child->next;
    ck_assert_str_eq(child->key, "\xc3\xa4\xc3\xb6");
    assert_place(child->key_place, 3, 1);
    assert_text(child, "t wo", 3, 7); /* counted in characters */

    child = child->next;
    ck_assert_int_eq(child->kind, CONFIG_NODE_LIST);
    ck_assert_uint_eq(child->count, 2);
    assert_place(child->place, 5, 3);
    ck_assert_ptr_null(child->next);
    ck_assert_ptr_null(child->first->key);
    assert_text(child->first, "a", 5, 5);
    ck_assert_int_eq(child->first->next->kind, CONFIG_NODE_MAPPING);
    assert_place(child->first->next->place, 6, 5);
    assert_text(child->first->next->first, "c", 6, 9);
    config_yaml_free(root);
}
END_TEST

START_TEST(distinguishes_a_missing_value_from_an_empty_text)
{
    struct config_node *root = parsed("a:\nb: ''\nc: \"\"\nd: ~\ne: null\n");
    const struct config_node *child = root->first;
    ck_assert_int_eq(child->kind, CONFIG_NODE_EMPTY);
    ck_assert_ptr_null(child->text);
    assert_place(child->place, 1, 3);
    assert_text(child = child->next, "", 2, 4);
    assert_text(child = child->next, "", 3, 4);
    assert_text(child = child->next, "~", 4, 4);
    assert_text(child->next, "null", 5, 4);
    config_yaml_free(root);
}
END_TEST

START_TEST(accepts_an_empty_file)
{
    static const char *const texts[] = {"",      "\n",         "# only a comment\n",
                                        "---\n", "---\n...\n", "%YAML 1.1\n---\n"};
    struct config_node *root = parsed(texts[_i]);
    ck_assert_int_eq(root->kind, CONFIG_NODE_EMPTY);
    ck_assert_ptr_null(root->first);
    ck_assert_int_ge(root->place.line, 1);
    config_yaml_free(root);
}
END_TEST

START_TEST(skips_a_byte_order_mark)
{
    struct config_node *root = parsed("\xef\xbb\xbf"
                                      "a: b\nc: d\n");
    ck_assert_str_eq(root->first->key, "a");
    ck_assert_str_eq(root->first->next->key, "c");
    ck_assert_int_eq(root->first->place.column, 4);
    config_yaml_free(root);
}
END_TEST

START_TEST(keeps_repeated_keys_for_the_caller_to_refuse)
{
    struct config_node *root = parsed("a: 1\na: 2\n");
    ck_assert_uint_eq(root->count, 2);
    config_yaml_free(root);
}
END_TEST

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *text;
    size_t size;
    const char *reason;
} wrong[] = {
    {TEXT("a: b\n---\nc: d\n"), "f:2:1: a second YAML document"},
    {TEXT("a: b\n...\n---\n"), "f:3:1: a second YAML document"},
    {TEXT("a: 1\nb: *x\n"), "f:2:4: aliases are not supported"},
    {TEXT("*x : b\n"), "f:1:1: aliases are not supported"},
    {TEXT("a: &x 1\n"), "f:1:4: anchors are not supported"},
    {TEXT("a: &x [1]\n"), "f:1:4: anchors are not supported"},
    {TEXT("a: &x {b: 1}\n"), "f:1:4: anchors are not supported"},
    {TEXT("&x a: 1\n"), "f:1:1: anchors are not supported"},
    {TEXT("<<: *x\n"), "f:1:5: aliases are not supported"},
    {TEXT("a: !!str 1\n"), "f:1:4: tags are not supported"},
    {TEXT("a: !mine 1\n"), "f:1:4: tags are not supported"},
    {TEXT("a: ! 1\n"), "f:1:4: tags are not supported"},
    {TEXT("a: !!seq [1]\n"), "f:1:4: tags are not supported"},
    {TEXT("a: !!map {}\n"), "f:1:4: tags are not supported"},
    {TEXT("%TAG ! tag:x,2000:\n---\na: 1\n"), "f:1:1: tags are not supported"},
    {TEXT("? [a]\n: b\n"), "f:1:3: a list or a mapping cannot be a key"},
    {TEXT("{a: b}: c\n"), "f:1:1: a list or a mapping cannot be a key"},
    {TEXT("\"a\\tb\": 1\n"), "f:1:1: the text has a line break or another control character"},
    {TEXT("a: 1\nb: \0\n"), "f:2:4: control characters are not allowed: save the file as UTF-8"},
    {TEXT("a: 1\n\xc3\xa4: \x01\n"), "f:2:4: control characters are not allowed"},
    {TEXT("a: 1\nb: \xff\n"), "f:2:4: invalid leading UTF-8 octet: save the file as UTF-8"},
    {TEXT("a: \xc3g\n"), "f:1:5: invalid trailing UTF-8 octet"},
    {TEXT("a: \xc0\xaf\n"), "f:1:4: invalid length of a UTF-8 sequence"},
    {TEXT("a: \xed\xa0\x80\n"), "f:1:4: invalid Unicode character"},
    {TEXT("\xff\xfe"
          "a\0"),
     "f:1:1: the file is UTF-16 or UTF-32: save it as UTF-8"},
    {TEXT("\xfe\xff\0a"), "f:1:1: the file is UTF-16 or UTF-32"},
    {TEXT("a\0:\0"), "f:1:1: the file is UTF-16 or UTF-32"},
    {TEXT("\0\0\xfe\xff"), "f:1:1: the file is UTF-16 or UTF-32"},
    {TEXT("\xef\xbb\xbf"
          "a: 1\nb: *x\n"),
     "f:2:4: aliases are not supported"},
    {TEXT("\xef\xbb\xbf"
          "a: *x\n"),
     "f:1:4: aliases are not supported"},
    {TEXT("a:\n\t- b\n"), "f:2:1: found character that cannot start any token"},
    {TEXT("a: [b\n"), "f:2:1: did not find expected ',' or ']' while parsing a flow sequence from "
                      "line 1: check indentation (spaces, no tabs), brackets and quotes"},
    {TEXT("a: b: c\n"), "f:1:5: mapping values are not allowed in this context: check indentation"},
    {TEXT("a: 'b\n"), "f:2:1: found unexpected end of stream while scanning a quoted scalar"},
    {TEXT("%YAML 2.0\n---\n"), "f:1:1: found incompatible YAML document"},
    {TEXT("a: 1\n b: 2\n"), "f:2:3: mapping values are not allowed in this context"},
};

START_TEST(refuses_with_place_and_remedy)
{
    struct config_node *root;
    struct error err;
    ck_assert_int_eq(config_yaml_parse("f", wrong[_i].text, wrong[_i].size, &root, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(err.text, wrong[_i].reason, strlen(wrong[_i].reason)) == 0, "%s: %s",
                  wrong[_i].text, err.text);
}
END_TEST

START_TEST(accepts_1_mib_and_not_a_byte_more)
{
    char *text = malloc(CONFIG_YAML_BYTES + 1);
    memset(text, '\n', CONFIG_YAML_BYTES + 1);
    struct config_node *root;
    struct error err;
    ck_assert_int_eq(config_yaml_parse("f", text, CONFIG_YAML_BYTES, &root, &err), 0);
    config_yaml_free(root);
    ck_assert_int_eq(config_yaml_parse("f", text, CONFIG_YAML_BYTES + 1, &root, &err), -1);
    ck_assert_str_eq(err.text, "f:1:1: larger than 1 MiB: make it smaller");
    free(text);
}
END_TEST

START_TEST(accepts_32_levels_and_not_33)
{
    static const struct {
        const char *open, *close;
    } brackets[] = {{"[", "]"}, {"{a: ", "}"}};
    struct config_node *root;
    struct error err;
    for (int levels = CONFIG_YAML_DEPTH; levels <= CONFIG_YAML_DEPTH + 1; levels++) {
        char text[512] = "";
        for (int i = 0; i < levels; i++)
            strcat(text, brackets[_i].open);
        for (int i = 0; i < levels; i++)
            strcat(text, brackets[_i].close);
        int result = config_yaml_parse("f", text, strlen(text), &root, &err);
        ck_assert_int_eq(result, levels > CONFIG_YAML_DEPTH ? -1 : 0);
        if (result == 0)
            config_yaml_free(root);
        else
            ck_assert_ptr_nonnull(strstr(err.text, ": nested more than 32 levels deep"));
    }
}
END_TEST

static const char *const hostile[] = {
    "[",        "{",    "{a: ",  "- ",    "? ",    "[],", "a,", "a: b\n", ": ",
    "-\n",      "\"",   "'",     "&a ",   "*a ",   "!",   "%",  "#",      "|\n",
    "\xc3\xa4", "[[],", "...\n", "---\n", "a:\n ", "\\",  ",",  "]",      "- - - - "};

/* Fails by Check's time-out if anything takes more than its share. */
START_TEST(survives_1_mib_of_any_bytes)
{
    static const char *const starts[] = {"", "[", "a: \""};
    char *text = malloc(CONFIG_YAML_BYTES);
    for (int s = 0; s < COUNT(starts); s++) {
        size_t used = strlen(starts[s]);
        memcpy(text, starts[s], used);
        for (size_t n = strlen(hostile[_i]); used + n <= CONFIG_YAML_BYTES; used += n)
            memcpy(text + used, hostile[_i], n);
        struct config_node *root;
        struct error err;
        if (config_yaml_parse("f", text, used, &root, &err) == 0)
            config_yaml_free(root);
        else
            ck_assert_int_eq(err.kind, ERROR_INPUT);
    }
    free(text);
}
END_TEST

START_TEST(survives_a_file_truncated_at_any_byte)
{
    static const char text[] =
        "%YAML 1.1\n--- # c\na: {b: [\"\\u00e4\", 'x'], ? d : e}\n\xc3\xa4:\n"
        "  - |\n    text\n  - !t &a *b\n...\n";
    for (size_t size = 1; size < sizeof text; size++) {
        char *copy = malloc(size); /* exact, so that a sanitizer sees an overrun */
        memcpy(copy, text, size);
        struct config_node *root;
        struct error err;
        if (config_yaml_parse("f", copy, size, &root, &err) == 0)
            config_yaml_free(root);
        free(copy);
    }
}
END_TEST

START_TEST(freeing_null_does_nothing)
{
    config_yaml_free(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("config_yaml");
    tcase_add_test(tcase, returns_every_key_and_value_with_its_place);
    tcase_add_test(tcase, distinguishes_a_missing_value_from_an_empty_text);
    tcase_add_loop_test(tcase, accepts_an_empty_file, 0, 6);
    tcase_add_test(tcase, skips_a_byte_order_mark);
    tcase_add_test(tcase, keeps_repeated_keys_for_the_caller_to_refuse);
    tcase_add_loop_test(tcase, refuses_with_place_and_remedy, 0, COUNT(wrong));
    tcase_add_test(tcase, accepts_1_mib_and_not_a_byte_more);
    tcase_add_loop_test(tcase, accepts_32_levels_and_not_33, 0, 2);
    tcase_add_loop_test(tcase, survives_1_mib_of_any_bytes, 0, COUNT(hostile));
    tcase_add_test(tcase, survives_a_file_truncated_at_any_byte);
    tcase_add_test(tcase, freeing_null_does_nothing);

    Suite *suite = suite_create("config_yaml");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
