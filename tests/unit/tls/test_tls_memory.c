/* SPDX-License-Identifier: MIT */
#include "tlsecho/tls/tls_memory.h"

#include <check.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>

#include "suite.h"

static void run_out(void)
{
    ck_assert_ptr_null(OPENSSL_malloc(SIZE_MAX / 2 + 1));
}

START_TEST(an_allocation_that_failed_is_reported_once)
{
    tls_memory_watch();
    ck_assert(!tls_memory_ran_out());
    run_out();
    ck_assert(tls_memory_ran_out());
    ck_assert(!tls_memory_ran_out());
}
END_TEST

START_TEST(memory_that_ran_out_is_the_error_whatever_openssl_makes_of_it)
{
    struct error err;
    tls_memory_watch();
    run_out();
    error_set(&err, ERROR_INPUT, "a.key is not the key of the certificate a.pem");
    ck_assert_int_eq(tls_memory_check(-1, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert(error_is_temporary(&err));
}
END_TEST

START_TEST(other_errors_stay_what_they_are)
{
    struct error err;
    tls_memory_watch();
    error_set(&err, ERROR_INPUT, "a.key is not the key of the certificate a.pem");
    ck_assert_int_eq(tls_memory_check(-1, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(nothing_succeeds_while_memory_runs_out)
{
    struct error err;
    tls_memory_watch();
    ck_assert_int_eq(tls_memory_check(0, &err), 0);
    run_out();
    ck_assert_int_eq(tls_memory_check(0, &err), -1);
    ck_assert_int_eq(err.code, ENOMEM);
    ck_assert_int_eq(tls_memory_check(0, &err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_memory");
    TCase *tcase = tcase_create("tls_memory");
    tcase_add_test(tcase, an_allocation_that_failed_is_reported_once);
    tcase_add_test(tcase, memory_that_ran_out_is_the_error_whatever_openssl_makes_of_it);
    tcase_add_test(tcase, other_errors_stay_what_they_are);
    tcase_add_test(tcase, nothing_succeeds_while_memory_runs_out);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
