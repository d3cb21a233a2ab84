/* SPDX-License-Identifier: MIT */
/*
 * What somebody may have meant by a word that nobody knows.
 *
 * Ownership: the caller's texts.   Threads: any.
 */
#ifndef TLSECHO_SUGGEST_H
#define TLSECHO_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_BYTES = 256 };

/* "did you mean X?" where one of the names is near (letters missing, added, changed or swapped),
 * else "write one of A, B, C". */
void suggest_name(const char *word, const char *const *names, size_t count,
                  char ret[SUGGEST_BYTES]);

/* "A, B, C"; where they are too many, "A, B, ...". */
void suggest_list(const char *const *names, size_t count, char ret[SUGGEST_BYTES]);

#endif
