/* SPDX-License-Identifier: MIT */
/*
 * Suggests what an unknown word may have meant.
 *
 * Ownership: the caller's texts.   Threads: any.
 */
#ifndef TLSECHO_SUGGEST_H
#define TLSECHO_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_BYTES = 256 };

/* "did you mean X?" if a name is similar (letters missing, added, changed or swapped), else "write
 * one of A, B, C". */
void suggest_name(const char *word, const char *const *names, size_t count,
                  char ret[SUGGEST_BYTES]);

/* "A, B, C"; if they do not fit, "A, B, ...". */
void suggest_list(const char *const *names, size_t count, char ret[SUGGEST_BYTES]);

#endif
