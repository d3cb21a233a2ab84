/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "suite.h"
#include "tlsecho/base/error.h"

START_TEST(returns_its_kind_and_its_sentence)
{
    struct error err;
    ck_assert_int_eq(error_set(&err, ERROR_EXPIRED, "it ended %d days ago", 3), -1);
    ck_assert_int_eq(err.kind, ERROR_EXPIRED);
    ck_assert_int_eq(err.code, 0);
    ck_assert_int_eq(err.alert, -1);
    ck_assert_str_eq(err.text, "it ended 3 days ago");
}
END_TEST

START_TEST(ends_with_the_text_of_strerror)
{
    struct error err;
    errno = ENOENT;
    ck_assert_int_eq(error_sys(&err, "open %s", "/etc/nothing"), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ENOENT);
    ck_assert_int_eq(err.alert, -1);
    ck_assert_str_eq(err.text, "open /etc/nothing: No such file or directory");
}
END_TEST

START_TEST(ends_with_the_remedy_where_descriptors_or_memory_are_short)
{
    static const struct {
        int code;
        const char *text;
    } cases[] = {
        {EMFILE, "make it: Too many open files: raise the limit of open files, ulimit -n, or "
                 "LimitNOFILE= of the service"},
        {ENFILE, "make it: Too many open files in system: raise the host's limit of open files, "
                 "sysctl fs.file-max"},
        {ENOMEM, "make it: Cannot allocate memory: free memory, or raise its limit, ulimit -v, or "
                 "MemoryMax= of the service"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        errno = cases[i].code;
        error_sys(&err, "make it");
        ck_assert_str_eq(err.text, cases[i].text);
        ck_assert_int_eq(error_advise(&err, "try another way"), -1);
        ck_assert_str_eq(err.text, cases[i].text);
    }
}
END_TEST

START_TEST(ends_with_the_advice_where_there_is_no_remedy_yet)
{
    struct error err;
    errno = EACCES;
    error_sys(&err, "open a");
    ck_assert_int_eq(error_advise(&err, "name another file"), -1);
    ck_assert_str_eq(err.text, "open a: Permission denied: name another file");
    ck_assert_int_eq(err.code, EACCES);
}
END_TEST

START_TEST(puts_the_context_in_front_and_keeps_the_rest)
{
    struct error err;
    error_set(&err, ERROR_TLS, "bad record");
    err.code = 7;
    err.alert = 20;
    ck_assert_int_eq(error_prefix(&err, "profile %s", "default"), -1);
    ck_assert_str_eq(err.text, "profile default: bad record");
    ck_assert_int_eq(err.kind, ERROR_TLS);
    ck_assert_int_eq(err.code, 7);
    ck_assert_int_eq(err.alert, 20);
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
    char text[2 * ERROR_TEXT_BYTES];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct error err;

    error_set(&err, ERROR_INPUT, "%s", text);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    errno = EACCES;
    error_sys(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    error_prefix(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    error_prefix(&err, "in front");
    ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_BYTES - 1);
    ck_assert_uint_eq(strncmp(err.text, "in front: aaa", 13), 0);
}
END_TEST

START_TEST(distinguishes_temporary_errors)
{
    static const struct {
        enum error_kind kind;
        int code;
        bool temporary;
    } cases[] = {
        {ERROR_SYSTEM, EMFILE, true},
        {ERROR_SYSTEM, ENFILE, true},
        {ERROR_SYSTEM, ENOMEM, true},
        {ERROR_INPUT, EMFILE, true}, /* a file that could not be opened */
        {ERROR_INPUT, ENOENT, false},
        {ERROR_INPUT, 0, false},
        {ERROR_SYSTEM, EADDRINUSE, false},
        {ERROR_DNS, EAI_AGAIN, true},
        {ERROR_DNS, EAI_NONAME, false},
        {ERROR_TLS, EMFILE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {.kind = cases[i].kind, .code = cases[i].code};
        ck_assert_msg(error_is_temporary(&err) == cases[i].temporary, "case %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");
    tcase_add_test(tcase, returns_its_kind_and_its_sentence);
    tcase_add_test(tcase, ends_with_the_text_of_strerror);
    tcase_add_test(tcase, ends_with_the_remedy_where_descriptors_or_memory_are_short);
    tcase_add_test(tcase, ends_with_the_advice_where_there_is_no_remedy_yet);
    tcase_add_test(tcase, puts_the_context_in_front_and_keeps_the_rest);
    tcase_add_test(tcase, cuts_what_is_too_long);
    tcase_add_test(tcase, distinguishes_temporary_errors);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
