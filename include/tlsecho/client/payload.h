/* SPDX-License-Identifier: MIT */
/*
 * Bytes to send where the user gives none: a stream that looks random, repeats itself nowhere, and
 * is the same for the same seed. A byte that is lost, doubled or moved is found at once.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_PAYLOAD_H
#define TLSECHO_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* The n bytes of that stream from offset on. */
void payload_fill(unsigned char *data, size_t n, uint64_t seed, uint64_t offset);

#endif
