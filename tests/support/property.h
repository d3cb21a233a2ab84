/* SPDX-License-Identifier: MIT */
/*
 * Properties that hold for every value, tried on random ones. Each case has a seed of its own, the
 * last one's plus 1. A failure prints it; with TLSECHO_SEED=N that case is the first. TLSECHO_CASES
 * changes the number of cases.
 *
 * Ownership: static.   Threads: one.
 */
#ifndef TLSECHO_PROPERTY_H
#define TLSECHO_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs each case, and prints how many, and the first seed. */
void property_check(const char *name, unsigned cases, void (*run)(void));

/* In a case. */
uint64_t property_random(void);
uint64_t property_below(uint64_t n); /* 0 to n - 1 */
uint64_t property_of_any_size(void); /* each number of bits is as likely */
void property_require(bool holds, const char *rule);

#endif
