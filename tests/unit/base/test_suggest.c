/* SPDX-License-Identifier: MIT */
#include "suite.h"
#include "tlsecho/base/suggest.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"listen", "service", "ECDHE-RSA-AES128-GCM-SHA256",
                                    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"};
enum { COUNT = sizeof names / sizeof *names };

START_TEST(finds_the_name_that_was_meant)
{
    static const char *const words[][2] = {
        {"lisen", "did you mean listen?"},
        {"SERVICE", "did you mean service?"},
        {"sevrice", "did you mean service?"},
        {"ECDHE-RSA-AES128-GMC-SHA256", "did you mean ECDHE-RSA-AES128-GCM-SHA256?"},
        {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
         "did you mean TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256?"},
    };
    char text[SUGGEST_BYTES];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        suggest_name(words[i][0], names, COUNT, text);
        ck_assert_str_eq(text, words[i][1]);
    }
}
END_TEST

START_TEST(lists_all_names_where_none_is_near)
{
    char text[SUGGEST_BYTES];
    suggest_name("colour", names, 2, text);
    ck_assert_str_eq(text, "write one of listen, service");
    suggest_list(names, 1, text);
    ck_assert_str_eq(text, "listen");
    suggest_list(names, 0, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(leaves_out_whole_names_where_they_are_too_many)
{
    const char *many[100];
    char text[SUGGEST_BYTES];
    for (size_t i = 0; i < 100; i++)
        many[i] = "secp256r1";
    suggest_list(many, 100, text);
    ck_assert_ptr_nonnull(strstr(text, "secp256r1, ..."));
    ck_assert_str_eq(strrchr(text, ','), ", ...");
    ck_assert_uint_gt(strlen(text), SUGGEST_BYTES - 20);
    suggest_name("colour", many, 100, text);
    ck_assert_str_eq(strrchr(text, ','), ", ...");
}
END_TEST

START_TEST(accepts_a_word_of_any_length)
{
    char word[1000], text[SUGGEST_BYTES];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    suggest_name(word, names, 2, text);
    ck_assert_str_eq(text, "write one of listen, service");
}
END_TEST

START_TEST(compares_words_and_names_of_at_most_64_letters)
{
    static const struct {
        int word, name;
        bool near;
    } lengths[] = {{64, 64, true}, {64, 65, false}, {65, 64, false}, {65, 65, false}};
    char word[66], name[66], text[SUGGEST_BYTES], expected[100];
    const char *one = name;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(word, sizeof word, "%0*d", lengths[i].word, 0);
        snprintf(name, sizeof name, "%0*d", lengths[i].name, 1);
        snprintf(expected, sizeof expected,
                 lengths[i].near ? "did you mean %s?" : "write one of %s", name);
        suggest_name(word, &one, 1, text);
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest");
    TCase *tcase = tcase_create("suggest");
    tcase_add_test(tcase, finds_the_name_that_was_meant);
    tcase_add_test(tcase, lists_all_names_where_none_is_near);
    tcase_add_test(tcase, leaves_out_whole_names_where_they_are_too_many);
    tcase_add_test(tcase, accepts_a_word_of_any_length);
    tcase_add_test(tcase, compares_words_and_names_of_at_most_64_letters);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
