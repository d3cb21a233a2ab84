/* SPDX-License-Identifier: MIT */
/*
 * What counts as one source for a limit: an IPv4 address, or an IPv6 /64, as a host can use any
 * address of it (RFC 8981).
 *
 * Ownership: values.   Threads: any.
 */
#ifndef TLSECHO_ADMISSION_SOURCE_KEY_H
#define TLSECHO_ADMISSION_SOURCE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "tlsecho/base/error.h"
#include "tlsecho/net/address.h"

struct admission_source_key {
    int family;
    uint64_t prefix; /* an IPv4 address, or the first 64 bits of an IPv6 one */
};

/* Random: a peer cannot predict which sources have equal hashes. */
struct admission_source_hash {
    uint64_t factor, offset;
};

/* A mapped address counts as IPv4. */
struct admission_source_key admission_source_key(const struct address *address);
bool admission_source_key_equal(const struct admission_source_key *a,
                                const struct admission_source_key *b);

/* ERROR_SYSTEM. */
int admission_source_hash_init(struct admission_source_hash *ret, struct error *err);

/* The upper `bits` of it are the best. */
uint64_t admission_source_hash(const struct admission_source_hash *hash,
                               const struct admission_source_key *key);

#endif
