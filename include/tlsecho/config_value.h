/* SPDX-License-Identifier: MIT */
/*
 * Single values as users write them: switches, counts, sizes, times. Errors are ERROR_INPUT and
 * say what would be right.
 *
 * Ownership: values, no heap.   Threads: any.
 */
#ifndef TLSECHO_CONFIG_VALUE_H
#define TLSECHO_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/error.h"

enum { CONFIG_VALUE_BYTES = 32 };

/* on/off, true/false, yes/no. */
int config_value_switch(const char *text, bool *ret, struct error *err);

/* A whole number. */
int config_value_count(const char *text, uint64_t *ret, struct error *err);

/* Bytes, or with KiB, MiB, GiB (powers of 1024) or k, M, G (powers of 1000). */
int config_value_size(const char *text, uint64_t *ret_bytes, struct error *err);

/* With ms, s, m, h or d; 0 needs no unit. */
int config_value_time(const char *text, uint64_t *ret_ms, struct error *err);

/* The texts that are read back to the same number, in the largest unit without a remainder. */
void config_value_count_text(uint64_t count, char ret[CONFIG_VALUE_BYTES]);
void config_value_size_text(uint64_t bytes, char ret[CONFIG_VALUE_BYTES]);
void config_value_time_text(uint64_t ms, char ret[CONFIG_VALUE_BYTES]);

/* The text, or its beginning and "..." where it is long, for a message. */
void config_value_brief(const char *text, char ret[CONFIG_VALUE_BYTES]);

/* Whether it is UTF-8 (RFC 3629) that YAML shows as it is in one line: no control characters, line
 * separators, byte order marks or noncharacters (YAML 1.1 §5.1). */
bool config_value_printable(const char *text);

#endif
