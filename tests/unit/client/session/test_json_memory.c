/* SPDX-License-Identifier: MIT */
#include "tlsecho/client/json_memory.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>

#include "suite.h"

static void run_out(void)
{
    ck_assert_ptr_null(json_stringn_nocheck("", SIZE_MAX / 2 + 1));
}

START_TEST(an_allocation_that_failed_is_reported_once)
{
    json_memory_watch();
    ck_assert(!json_memory_ran_out());
    run_out();
    ck_assert(json_memory_ran_out());
    ck_assert(!json_memory_ran_out());
}
END_TEST

START_TEST(memory_that_ran_out_is_the_error_whatever_the_text_seems_to_be)
{
    struct error err;
    json_memory_watch();
    run_out();
    error_set(&err, ERROR_INPUT, "this is no report");
    ck_assert_int_eq(json_memory_check(-1, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ENOMEM);
}
END_TEST

START_TEST(other_errors_stay_what_they_are)
{
    struct error err;
    json_memory_watch();
    ck_assert_ptr_null(json_loads("{", 0, NULL));
    error_set(&err, ERROR_INPUT, "this is no report");
    ck_assert_int_eq(json_memory_check(-1, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(nothing_succeeds_while_memory_runs_out)
{
    struct error err;
    json_memory_watch();
    ck_assert_int_eq(json_memory_check(0, &err), 0);
    run_out();
    ck_assert_int_eq(json_memory_check(0, &err), -1);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_int_eq(json_memory_check(0, &err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_memory");
    TCase *tcase = tcase_create("json_memory");
    tcase_add_test(tcase, an_allocation_that_failed_is_reported_once);
    tcase_add_test(tcase, memory_that_ran_out_is_the_error_whatever_the_text_seems_to_be);
    tcase_add_test(tcase, other_errors_stay_what_they_are);
    tcase_add_test(tcase, nothing_succeeds_while_memory_runs_out);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
