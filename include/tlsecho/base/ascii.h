/* SPDX-License-Identifier: MIT */
/* ASCII letters, independent of the locale.   Threads: any. */
#ifndef TLSECHO_ASCII_H
#define TLSECHO_ASCII_H

#include <stddef.h>

/* Turns a..z into A..Z in place; every other byte stays as it is. */
void ascii_upper(unsigned char *data, size_t n);

/* Likewise turns A..Z into a..z. */
void ascii_lower(unsigned char *data, size_t n);

#endif
