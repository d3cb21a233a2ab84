/* SPDX-License-Identifier: MIT */
/*
 * Numbers with a unit, for people.
 *
 * Ownership: the caller has the buffer.   Threads: any.
 */
#ifndef TLSECHO_OUTPUT_UNITS_H
#define TLSECHO_OUTPUT_UNITS_H

enum { OUTPUT_UNIT_BYTES = 32 };

/* "71.2 us", "1.21 GiB": three digits. Return ret. */
const char *output_time_text(double ns, char ret[OUTPUT_UNIT_BYTES]);
const char *output_bytes_text(double bytes, char ret[OUTPUT_UNIT_BYTES]);
const char *output_bits_text(double bits, char ret[OUTPUT_UNIT_BYTES]); /* "12.3 kbit" */
const char *output_count_text(double count, char ret[OUTPUT_UNIT_BYTES]);

#endif
