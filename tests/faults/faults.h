/* SPDX-License-Identifier: MIT */
/*
 * What the calls that can fail (faults_calls.c) ask. Threads: any.
 */
#ifndef TLSECHO_FAULTS_H
#define TLSECHO_FAULTS_H

#include <stdbool.h>

enum kind {
#define KIND(name, codes) KIND_##name,
#include "kinds.def"
#undef KIND
    KIND_COUNT
};

/* Codes that are no errors; faults.py has the same numbers. */
enum { CODE_SHORT = -1000 };

/* Whether this call has to fail, and how: an errno, one of the codes above, or seconds. */
bool faults_hit(enum kind kind, int *ret_code);

/* The function of that name that this library hides. */
void *faults_hidden(const char *name);

#endif
