/* SPDX-License-Identifier: MIT */
/* The end of every unit test's main, or all of it.   Ownership: takes the suite.   Threads: one. */
#ifndef TLSECHO_TEST_SUITE_H
#define TLSECHO_TEST_SUITE_H

#include <check.h>

/* Runs it and returns the exit status: 0 only if nothing failed. */
int suite_run(Suite *suite);

/* The main of a program with one test. */
#define SUITE_OF_ONE_TEST(name, test)                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        Suite *suite = suite_create(name);                                                         \
        TCase *tcase = tcase_create(name);                                                         \
        suite_add_tcase(suite, tcase);                                                             \
        tcase_add_test(tcase, test);                                                               \
        return suite_run(suite);                                                                   \
    }

#endif
