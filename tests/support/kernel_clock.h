/* SPDX-License-Identifier: MIT */
/*
 * The kernel's clocks, for a test that replaces the C library's clock_gettime.
 *
 * Threads: any.
 */
#ifndef TLSECHO_TEST_KERNEL_CLOCK_H
#define TLSECHO_TEST_KERNEL_CLOCK_H

#include <time.h>

/* As clock_gettime(2). */
int kernel_clock_gettime(clockid_t clock, struct timespec *ret);

#endif
