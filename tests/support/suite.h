/* SPDX-License-Identifier: MIT */
/* The end of every unit test's main.   Ownership: takes the suite.   Threads: one. */
#ifndef TLSECHO_TEST_SUITE_H
#define TLSECHO_TEST_SUITE_H

#include <check.h>

/* Runs it and returns the exit status: 0 only if nothing failed. */
int suite_run(Suite *suite);

#endif
