/* SPDX-License-Identifier: MIT */
/*
 * Bytes to send if the user gives none: a pseudo-random stream that does not repeat and depends
 * only on the seed, so that a lost, duplicated or moved byte is found.
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
