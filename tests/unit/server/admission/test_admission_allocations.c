/* SPDX-License-Identifier: MIT */
/* What an admission does without memory or random numbers, and that it frees all that it has. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "allocations.h"
#include "loopback.h"
#include "suite.h"
#include "tlsecho/server/admission.h"

static struct error err;
static struct admission *admission;
static unsigned random_calls;
static unsigned random_fails_at; /* 0 = never */
static unsigned random_flags;
static long left_before;

/* In place of that of the C library. No assertion here: Check allocates for each. */
ssize_t getrandom(void *data, size_t size, unsigned flags)
{
    random_flags |= flags;
    if (++random_calls == random_fails_at) {
        errno = ENOSYS;
        return -1;
    }
    memset(data, (int)random_calls, size);
    return (ssize_t)size;
}

static void set_up(void)
{
    random_calls = random_fails_at = random_flags = 0;
    admission = NULL;
    left_before = allocations_left();
}

static void assert_not_made(int code)
{
    err = (struct error){.code = 0};
    ck_assert_int_eq(admission_new(&admission, &err), -1);
    ck_assert_ptr_null(admission);
    ck_assert_int_eq(err.kind, ERROR_SYSTEM);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strncmp(err.text, "create the ", 11) == 0, "%s", err.text);
    ck_assert_int_eq(allocations_left(), left_before);
}

START_TEST(says_what_it_could_not_make_and_keeps_nothing)
{
    for (unsigned n = 0; n < 3; n++) { /* itself and two tables */
        allocations_fail_after(n);
        assert_not_made(ENOMEM);
        ck_assert(allocations_have_failed());
    }
    allocations_fail_after(3);
    int result = admission_new(&admission, &err);
    ck_assert(!allocations_have_failed());
    ck_assert_int_eq(result, 0);
    admission_free(admission);
}
END_TEST

START_TEST(makes_no_table_without_random_numbers)
{
    for (random_fails_at = 1; random_fails_at <= 2; random_fails_at++) {
        random_calls = 0;
        assert_not_made(ENOSYS);
    }
}
END_TEST

START_TEST(frees_all_that_it_has)
{
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    ck_assert_int_gt(allocations_left(), left_before);
    ck_assert_uint_eq(random_flags, 0); /* it waits until the kernel's generator is ready */
    admission_free(admission);
    ck_assert_int_eq(allocations_left(), left_before);
    admission_free(NULL);
}
END_TEST

START_TEST(refuses_a_source_that_there_is_no_memory_for_and_not_the_next_one)
{
    static const struct config config = {.limits.per_source = 1};
    static const struct config_listener listener;
    struct admission_pass pass = {.admission = NULL};
    struct address source = loopback_address("tcp://192.0.2.1:1");
    ck_assert_int_eq(admission_new(&admission, &err), 0);
    admission_limit(admission, &config);
    long left = allocations_left();

    allocations_fail_after(0);
    ck_assert_int_eq(admission_source(admission, &listener, &source, &pass), ADMISSION_MEMORY);
    ck_assert(allocations_have_failed());
    ck_assert_uint_eq(admission_refused(admission, ADMISSION_MEMORY), 1);
    ck_assert_int_eq(admission_source(admission, &listener, &source, &pass), ADMISSION_GRANTED);
    admission_over(&pass);
    ck_assert_int_eq(allocations_left(), left);
    admission_free(admission);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission_allocations");
    TCase *tcase = tcase_create("admission_allocations");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, says_what_it_could_not_make_and_keeps_nothing);
    tcase_add_test(tcase, makes_no_table_without_random_numbers);
    tcase_add_test(tcase, frees_all_that_it_has);
    tcase_add_test(tcase, refuses_a_source_that_there_is_no_memory_for_and_not_the_next_one);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
