/* SPDX-License-Identifier: MIT */
/*
 * Parses numbers with units, for the configuration and the command line:
 * `64KiB`, `1.5M`, `250ms`, `1e-1s`. A number has digits, may have a fraction and an exponent, and
 * has no sign. Errors are ERROR_INPUT with an example of valid input; *ret is unchanged then.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_QUANTITY_H
#define TLSECHO_QUANTITY_H

#include <stdint.h>

#include "tlsecho/base/error.h"

enum { QUANTITY_BYTES = 32 };

/* The unit of a time that has none; 0 never needs one. */
enum quantity_bare { QUANTITY_BARE_REFUSED, QUANTITY_BARE_SECONDS };

/* A whole number without a unit. */
int quantity_parse_count(const char *text, uint64_t *ret, struct error *err);

/* A number that may have a fraction, without a unit. */
int quantity_parse_real(const char *text, double *ret, struct error *err);

/* Whole bytes; with K, KiB, MiB, GiB (powers of 1024) or k, M, G (powers of 1000). */
int quantity_parse_size(const char *text, uint64_t *ret_bytes, struct error *err);

/* With ms, s, m, h or d; rounded up to milliseconds, so that a short time does not become 0. */
int quantity_parse_time(const char *text, enum quantity_bare bare, uint64_t *ret_ms,
                        struct error *err);

/* Formats a number so that it parses to the same value, in the largest unit without a remainder. */
void quantity_count_text(uint64_t count, char ret[QUANTITY_BYTES]);
void quantity_size_text(uint64_t bytes, char ret[QUANTITY_BYTES]);
void quantity_time_text(uint64_t ms, char ret[QUANTITY_BYTES]);

/* "1,492", for messages. Returns ret. */
const char *quantity_grouped_text(uint64_t n, char ret[QUANTITY_BYTES]);

#endif
