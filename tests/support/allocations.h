/* SPDX-License-Identifier: MIT */
/*
 * Allocations that fail, and the number of those that were not freed. Only for the programs of
 * which CMake wraps malloc and the other functions: those that are called *_allocations.
 *
 * Threads: one.
 */
#ifndef TLSECHO_TEST_ALLOCATIONS_H
#define TLSECHO_TEST_ALLOCATIONS_H

#include <stdbool.h>

/* From now on `successes` allocations succeed, and one fails. Check's assertions allocate too. */
void allocations_fail_after(unsigned successes);

/* Whether one has failed since then. No other one will fail. */
bool allocations_have_failed(void);

/* How many there are that the sources have not freed. */
long allocations_left(void);

#endif
