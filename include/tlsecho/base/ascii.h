/* SPDX-License-Identifier: MIT */
/* Letters as bytes, whatever the locale.   Threads: any. */
#ifndef TLSECHO_ASCII_H
#define TLSECHO_ASCII_H

#include <stddef.h>

/* Turns a..z into A..Z in place; every other byte stays as it is. */
void ascii_upper(unsigned char *data, size_t n);

/* Turns A..Z into a..z likewise. */
void ascii_lower(unsigned char *data, size_t n);

#endif
